import type { Cluster, FleetEvent, Metrics, View } from "./api/types";

/** Values for tests: a cluster that is well, and views of such. */
export const metricsOf = (changes: Partial<Metrics> = {}): Metrics => ({
	latency_seconds: 0.05,
	shards_up: 2,
	guilds: 100,
	cached_users: 1000,
	interactions_rate: 1,
	error_rate: 0,
	duration_p95_seconds: 0.2,
	ratelimits_rate: 0,
	uptime_seconds: 3600,
	...changes,
});

const time = "2026-11-23T12:00:00Z";

export const clusterOf = (number: number, changes: Partial<Cluster> = {}): Cluster => ({
	number,
	identity: `bot-${number}`,
	fleet: "europe",
	status: "up",
	last_seen: time,
	metrics: metricsOf(),
	shards: [
		{ shard_id: "0", status: "up", latency_seconds: 0.05 },
		{ shard_id: "1", status: "up", latency_seconds: 0.05 },
	],
	first_seen: time,
	registered_at: time,
	values_at: time,
	registrations: 1,
	version: "0.4.2",
	scrape_target: "",
	...changes,
});

export function viewOf(clusters: Cluster[]): View {
	const names = [...new Set(clusters.map((cluster) => cluster.fleet))].sort();
	return {
		generated_at: time,
		global: metricsOf(),
		fleets: names.map((name) => {
			const members = clusters.filter((cluster) => cluster.fleet === name);
			return {
				name,
				clusters_up: members.filter((cluster) => cluster.status === "up").length,
				clusters_total: members.length,
				rollup: metricsOf(),
				clusters: members,
			};
		}),
	};
}

export const eventOf = (seconds: number, kind: FleetEvent["kind"], identity: string): FleetEvent => ({
	t: new Date(Date.parse(time) + seconds * 1000).toISOString(),
	kind,
	identity,
	fleet: "europe",
	number: 1,
});
