import { describe, expect, test } from "vitest";
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
