import { expect, test } from "vitest";
import type { Shard } from "../api/types";
import { clusterOf } from "../fixtures";
import { extendedWatch, type Watch } from "./watched";

const nothing: Watch = { times: [], latencies: new Map() };
const at = (second: number) => new Date(second * 1000).toISOString();
const report = (second: number, ...shards: Shard[]) => clusterOf(1, { values_at: at(second), shards });
const up = (shard_id: string, latency_seconds: number): Shard => ({ shard_id, status: "up", latency_seconds });
const down = (shard_id: string): Shard => ({ shard_id, status: "down", latency_seconds: 0 });

test("a watch grows by one point for each report", () => {
	const one = extendedWatch(nothing, report(10, up("0", 0.1)));
	expect(extendedWatch(one, report(10, up("0", 0.2)))).toBe(one);
	const two = extendedWatch(one, report(12, up("0", 0.3)));
	expect(two.times).toEqual([10_000, 12_000]);
	expect(two.latencies.get("0")).toEqual([0.1, 0.3]);
});

test("a shard that is down, before its first acknowledgement, or not told of, has no latency", () => {
	let watch = extendedWatch(nothing, report(10, up("0", 0.1), up("1", 0)));
	watch = extendedWatch(watch, report(20, down("0"), up("1", 0.2), up("2", 0.3)));
	watch = extendedWatch(watch, report(30, up("0", 0.4)));
	expect(Object.fromEntries(watch.latencies)).toEqual({ "0": [0.1, null, 0.4], "1": [null, 0.2, null], "2": [null, 0.3, null] });
});

test("a cluster that has reported nothing is not watched yet", () => {
	const { values_at: _, ...silent } = clusterOf(1);
	expect(extendedWatch(nothing, silent)).toBe(nothing);
});

test("a watch forgets what is old", () => {
	let watch = nothing;
	for (let i = 1; i <= 300; i++) watch = extendedWatch(watch, report(i, up("0", i)));
	expect([watch.times.length, watch.times[0], watch.latencies.get("0")?.length, watch.latencies.get("0")?.[0]]).toEqual([
		240, 61_000, 240, 61,
	]);
});
