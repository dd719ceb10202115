import { describe, expect, test } from "vitest";
import { clusterOf, metricsOf } from "./fixtures";
import { faultsOf, healthOf, metricOf, metrics, type Quality, qualityOf, readingOf } from "./metrics";

test("the nine values stand in the order that people know", () => {
	expect(metrics.map((metric) => metric.label)).toEqual([
		"Shards up",
		"Guilds",
		"Cached users",
		"Gateway latency",
		"Error rate",
		"Command p95",
		"Interactions",
		"Rate limits",
		"Uptime",
	]);
});

describe("judging a value", () => {
	const cases: Record<string, { key: Parameters<typeof metricOf>[0]; value: number | undefined; want: Quality }> = {
		"latency below its warning": { key: "latency_seconds", value: 0.299, want: "good" },
		"latency at its warning": { key: "latency_seconds", value: 0.3, want: "warn" },
		"latency at bad": { key: "latency_seconds", value: 1, want: "bad" },
		"error rate at its warning": { key: "error_rate", value: 0.01, want: "warn" },
		"error rate at bad": { key: "error_rate", value: 0.05, want: "bad" },
		"p95 at bad": { key: "duration_p95_seconds", value: 3, want: "bad" },
		"rate limits at their warning": { key: "ratelimits_rate", value: 0.1, want: "warn" },
		"guilds are not judged": { key: "guilds", value: 0, want: "neutral" },
		"what is not known is never good": { key: "error_rate", value: undefined, want: "unknown" },
		"what is no number is never good": { key: "latency_seconds", value: Number.NaN, want: "unknown" },
	};
	for (const [name, { key, value, want }] of Object.entries(cases)) test(name, () => expect(qualityOf(metricOf(key), value)).toBe(want));
});

describe("reading a cluster", () => {
	test("a 0 that means not known is not read as 0", () => {
		const cluster = clusterOf(1, { metrics: metricsOf({ error_rate: 0 }), missing: ["error_rate"] });
		expect(readingOf(cluster, "error_rate")).toBeUndefined();
		expect(readingOf(cluster, "guilds")).toBe(100);
	});
	test("a cluster that has sent nothing has no values", () => {
		const { values_at: _, ...silent } = clusterOf(1);
		expect(readingOf(silent, "guilds")).toBeUndefined();
	});
});

describe("what is wrong with a cluster", () => {
	test("nothing", () => {
		expect(healthOf(clusterOf(1))).toBe("good");
		expect(faultsOf(clusterOf(1))).toEqual([]);
	});
	test("down is all that is said of one that is down", () => {
		const cluster = clusterOf(1, { status: "down", metrics: metricsOf({ error_rate: 0.5 }) });
		expect(healthOf(cluster)).toBe("bad");
		expect(faultsOf(cluster)).toEqual([{ quality: "bad", text: "down" }]);
	});
	test("the worst comes first", () => {
		const cluster = clusterOf(1, { metrics: metricsOf({ latency_seconds: 0.4, error_rate: 0.2 }) });
		expect(healthOf(cluster)).toBe("bad");
		expect(faultsOf(cluster).map((fault) => [fault.quality, fault.text])).toEqual([
			["bad", "Error rate"],
			["warn", "Gateway latency"],
		]);
	});
	test("a shard that is down is a warning", () => {
		const shards = [
			{ shard_id: "0", status: "up" as const, latency_seconds: 0.1 },
			{ shard_id: "1", status: "down" as const, latency_seconds: 0 },
		];
		expect(healthOf(clusterOf(1, { shards }))).toBe("warn");
		expect(faultsOf(clusterOf(1, { shards }))).toEqual([{ quality: "warn", text: "1 of 2 shards down" }]);
	});
});
