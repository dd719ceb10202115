import { expect, test } from "vitest";
import { metricsOf } from "../fixtures";
import { extended, type Series, seriesOf } from "./history";

const empty: Series = { times: [], points: [] };

test("a series begins with what the control plane recorded", () => {
	const point = { t: "2026-11-23T12:00:00Z", metrics: metricsOf() };
	expect(seriesOf([point])).toEqual({ times: [Date.parse(point.t)], points: [point.metrics] });
});

test("a series grows by one point each 15 s, and not while nothing is up", () => {
	const one = extended(empty, 1_000_000, metricsOf());
	expect(one.times).toEqual([1_000_000]);
	expect(extended(one, 1_014_999, metricsOf())).toBe(one);
	expect(extended(one, 1_015_000, undefined)).toBe(one);
	expect(extended(one, 1_015_000, metricsOf()).times).toEqual([1_000_000, 1_015_000]);
});

test("a series keeps an hour", () => {
	let series = empty;
	for (let i = 0; i < 300; i++) series = extended(series, 1_000_000 + i * 15_000, metricsOf());
	expect(series.times).toHaveLength(240);
	expect(series.points).toHaveLength(240);
	expect(series.times.at(-1)).toBe(1_000_000 + 299 * 15_000);
});
