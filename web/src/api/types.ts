/** What the control plane says, as fleetapi/types.go defines it. Times are RFC 3339 in UTC. */

/** The nine values that every cluster, fleet and the whole have. One that is not known is 0 and listed in `missing`. */
export interface Metrics {
	latency_seconds: number;
	shards_up: number;
	guilds: number;
	cached_users: number;
	interactions_rate: number;
	error_rate: number;
	duration_p95_seconds: number;
	ratelimits_rate: number;
	uptime_seconds: number;
}

export type MetricKey = keyof Metrics;
export type Status = "up" | "down";

export interface Shard {
	shard_id: string;
	status: Status;
	latency_seconds: number;
}

export interface Cluster {
	number: number;
	identity: string;
	fleet: string;
	status: Status;
	last_seen: string;
	metrics: Metrics;
	shards: Shard[] | null;
	first_seen: string;
	registered_at: string;
	values_at?: string;
	registrations: number;
	version: string;
	scrape_target: string;
	missing?: MetricKey[];
	oversized?: boolean;
}

export interface FleetSummary {
	name: string;
	clusters_up: number;
	clusters_total: number;
	rollup: Metrics;
}

export interface Fleet extends FleetSummary {
	clusters: Cluster[];
}

export interface View {
	generated_at: string;
	global: Metrics;
	fleets: Fleet[];
}

/** What changed between two views. Fleets are all fleets, without their clusters. */
export interface Delta {
	generated_at: string;
	global: Metrics;
	fleets: FleetSummary[];
	clusters: Cluster[];
	removed: string[];
	events: FleetEvent[] | null;
}

export type EventKind = "up" | "down" | "joined" | "restarted" | "left" | "moved" | "conflict" | "retired";

export interface FleetEvent {
	t: string;
	kind: EventKind;
	identity: string;
	fleet: string;
	number: number;
}

export interface Config {
	fleet: boolean;
	namespace: string;
	version: string;
	auth_required: boolean;
	analytics_enabled: boolean;
	interval: number;
}

export interface HistoryPoint {
	t: string;
	metrics: Metrics;
}

export interface ClusterDetail {
	cluster: Cluster;
	history: HistoryPoint[];
}

export interface Rows<Row> {
	rows: Row[];
}
