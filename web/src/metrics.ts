import type { Cluster, MetricKey } from "./api/types";

/** How a value is written. */
export type Unit = "count" | "seconds" | "ratio" | "per_second";

/** How a value is judged. "unknown" is a value that is not there, and is never shown as good. */
export type Quality = "good" | "warn" | "bad" | "neutral" | "unknown";

export interface Metric {
	key: MetricKey;
	label: string;
	unit: Unit;
	/** From here on a value is a warning, and bad. Values without thresholds are neutral. */
	warn?: number;
	bad?: number;
	/** What the value means, for those who meet it for the first time. */
	help: string;
}

/** The nine values, in the order in which they are shown. */
export const metrics: readonly Metric[] = [
	{ key: "shards_up", label: "Shards up", unit: "count", help: "Gateway shards that are connected." },
	{ key: "guilds", label: "Guilds", unit: "count", help: "Servers that the bot is in." },
	{ key: "cached_users", label: "Cached users", unit: "count", help: "Users in the bot's memory." },
	{
		key: "latency_seconds",
		label: "Gateway latency",
		unit: "seconds",
		warn: 0.3,
		bad: 1,
		help: "Time from a gateway heartbeat to its acknowledgement; the slowest shard counts.",
	},
	{ key: "error_rate", label: "Error rate", unit: "ratio", warn: 0.01, bad: 0.05, help: "Commands that failed, over five minutes." },
	{
		key: "duration_p95_seconds",
		label: "Command p95",
		unit: "seconds",
		warn: 1,
		bad: 3,
		help: "95 of 100 commands took no longer, over five minutes.",
	},
	{ key: "interactions_rate", label: "Interactions", unit: "per_second", help: "Interactions a second, over five minutes." },
	{
		key: "ratelimits_rate",
		label: "Rate limits",
		unit: "per_second",
		warn: 0.1,
		bad: 1,
		help: "Times a second that Discord asked the bot to slow down.",
	},
	{ key: "uptime_seconds", label: "Uptime", unit: "seconds", help: "Since the process started; the longest one counts." },
];

const byKey = new Map(metrics.map((metric) => [metric.key, metric]));

/** The metric of a key. */
export function metricOf(key: MetricKey): Metric {
	const metric = byKey.get(key);
	if (!metric) throw new Error(`no metric ${key}`);
	return metric;
}

/** Judges a value, which is undefined when it is not known. */
export function qualityOf(metric: Metric, value: number | undefined): Quality {
	if (value === undefined || !Number.isFinite(value)) return "unknown";
	if (metric.warn === undefined || metric.bad === undefined) return "neutral";
	if (value >= metric.bad) return "bad";
	return value >= metric.warn ? "warn" : "good";
}

/** A cluster's value, or undefined when it is not known. */
export function readingOf(cluster: Cluster, key: MetricKey): number | undefined {
	if (!cluster.values_at || cluster.missing?.includes(key)) return undefined;
	const value = cluster.metrics[key];
	return Number.isFinite(value) ? value : undefined;
}

/** The worst judgement of what a cluster that is up reports; bad for one that is down. */
export function healthOf(cluster: Cluster): Quality {
	if (cluster.status === "down") return "bad";
	let worst: Quality = "good";
	for (const metric of judged) {
		const quality = qualityOf(metric, readingOf(cluster, metric.key));
		if (quality === "bad") return "bad";
		if (quality === "warn") worst = "warn";
	}
	return worst === "good" && hasDownShard(cluster) ? "warn" : worst;
}

const judged = metrics.filter((metric) => metric.warn !== undefined);

/** Whether a shard of a cluster is not connected. */
export function hasDownShard(cluster: Cluster): boolean {
	return cluster.shards?.some((shard) => shard.status === "down") ?? false;
}

/** What is wrong with a cluster, in words, worst first; empty when nothing is. */
export function faultsOf(cluster: Cluster): Fault[] {
	if (cluster.status === "down") return [{ quality: "bad", text: "down" }];
	const faults: Fault[] = [];
	for (const metric of judged) {
		const value = readingOf(cluster, metric.key);
		const quality = qualityOf(metric, value);
		if (value !== undefined && (quality === "bad" || quality === "warn"))
			faults.push({ quality, text: metric.label, key: metric.key, value });
	}
	const down = cluster.shards?.filter((shard) => shard.status === "down").length ?? 0;
	if (down > 0) faults.push({ quality: "warn", text: `${down} of ${cluster.shards?.length} shards down` });
	return faults.sort((a, b) => Number(b.quality === "bad") - Number(a.quality === "bad"));
}

/** One thing that is wrong with a cluster. */
export interface Fault {
	quality: "warn" | "bad";
	text: string;
	key?: MetricKey;
	value?: number;
}
