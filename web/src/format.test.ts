import { describe, expect, test } from "vitest";
import { age, compact, count, dash, duration, format } from "./format";

describe("format", () => {
	const cases: Record<string, { unit: Parameters<typeof format>[0]; value: number | undefined; want: string }> = {
		"a ratio is a percentage with two decimals": { unit: "ratio", value: 0.0123, want: "1.23%" },
		"a rate has two decimals": { unit: "per_second", value: 1.005, want: "1.00/s" },
		"a large rate has separators instead": { unit: "per_second", value: 12_345.6, want: "12,346/s" },
		"a count is rounded, with separators": { unit: "count", value: 1_234_567.5, want: "1,234,568" },
		"a count just below zero is no minus zero": { unit: "count", value: -0.2, want: "0" },
		"less than a second is in milliseconds": { unit: "seconds", value: 0.0824, want: "82 ms" },
		"no time at all": { unit: "seconds", value: 0, want: "0 ms" },
		"a millisecond short of a second does not become 1000 ms": { unit: "seconds", value: 0.9996, want: "1.00 s" },
		"less than a minute is in seconds": { unit: "seconds", value: 4.2, want: "4.20 s" },
		"almost a minute does not become 60.00 s": { unit: "seconds", value: 59.996, want: "1m 0s" },
		"less than an hour": { unit: "seconds", value: 119.6, want: "2m 0s" },
		"never 60 s": { unit: "seconds", value: 3599.7, want: "1h 0m" },
		"less than a day": { unit: "seconds", value: 7620, want: "2h 7m" },
		"days are days": { unit: "seconds", value: 12 * 86_400 + 3 * 3600 + 59, want: "12d 3h" },
		"many days have separators": { unit: "seconds", value: 1234 * 86_400, want: "1,234d 0h" },
		"not known": { unit: "count", value: undefined, want: dash },
		"not a number": { unit: "ratio", value: Number.NaN, want: dash },
		"without an end": { unit: "seconds", value: Number.POSITIVE_INFINITY, want: dash },
	};
	for (const [name, { unit, value, want }] of Object.entries(cases)) test(name, () => expect(format(unit, value)).toBe(want));
});

test("an age is in whole seconds at the least", () => {
	expect([0, 0.4, 42.4, 59.5, 185, 90_000].map(age)).toEqual(["0s", "0s", "42s", "1m 0s", "3m 5s", "1d 1h"]);
});

test("a compact number has at most four digits", () => {
	expect([9999, 12_345, 4_321_987].map(compact)).toEqual(["9,999", "12.35K", "4.322M"]);
});

test("counting and timing take anything", () => {
	for (let i = 0; i < 2000; i++) {
		const value = 10 ** (Math.random() * 16 - 5);
		expect(duration(value)).toMatch(/^([\d,]+d \d+h|\d+h \d+m|\d+m \d+s|\d+\.\d\d s|\d+ ms)$/);
		expect(duration(value)).not.toMatch(/\b(60s|60m|24h|60\.00 s|1000 ms)/);
		expect(count(value)).toMatch(/^[\d,]+$/);
	}
});
