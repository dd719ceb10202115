import { describe, expect, test } from "vitest";
import { everyDay } from "./days";
import { gapped } from "./gaps";
import { roundUp } from "./roundup";

describe("a line", () => {
	test("has no hole between points that follow each other", () =>
		expect(gapped([0, 15_000, 30_000], [1, 2, 3])).toEqual({ times: [0, 15_000, 30_000], values: [1, 2, 3] }));
	test("has a hole where a cluster was down", () =>
		expect(gapped([0, 91_000], [1, 2])).toEqual({ times: [0, 1000, 91_000], values: [1, null, 2] }));
	test("keeps what is not known", () => expect(gapped([0, 15_000], [null, 2])).toEqual({ times: [0, 15_000], values: [null, 2] }));
});

test("the top of an axis is round, and so is its half", () => {
	expect([0, 1, 2, 3, 7, 10, 11, 1501, 4001, 96_000].map(roundUp)).toEqual([2, 2, 2, 4, 8, 10, 20, 2000, 6000, 100_000]);
});

describe("days", () => {
	const cases: Record<string, { rows: [string, number][]; want: [string, number][] }> = {
		none: { rows: [], want: [] },
		"days without a number in between, and a month's end": {
			rows: [
				["2026-02-27", 3],
				["2026-03-02", 1],
			],
			want: [
				["2026-02-27", 3],
				["2026-02-28", 0],
				["2026-03-01", 0],
				["2026-03-02", 1],
			],
		},
		"what is no day": { rows: [["some day", 1]], want: [["some day", 1]] },
	};
	for (const [name, { rows, want }] of Object.entries(cases)) test(name, () => expect(everyDay(rows)).toEqual(want));
});
