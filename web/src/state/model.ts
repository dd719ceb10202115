import type { Cluster, Delta, Fleet, FleetEvent, FleetSummary, MetricKey, Metrics, View } from "../api/types";
import { metrics } from "../metrics";

/** A fleet and what its roll-up is not based on. */
export interface FleetState extends Fleet {
	/** Keys that no cluster of it that is up reports: their 0 means "not known". */
	missing: ReadonlySet<MetricKey>;
}

/** Everything that is known of the clusters. Never changed in place: what is new is another object. */
export interface Model {
	/** The control plane's time of this state, in milliseconds since 1970. */
	at: number;
	global: Metrics;
	missing: ReadonlySet<MetricKey>;
	/** By name. */
	fleets: readonly FleetState[];
	/** All clusters by identity. */
	clusters: ReadonlyMap<string, Cluster>;
	up: number;
	total: number;
}

/** The model of a whole view. */
export function modelOf(view: View): Model {
	const clusters = new Map<string, Cluster>();
	for (const fleet of view.fleets) for (const cluster of fleet.clusters) clusters.set(cluster.identity, cluster);
	return assemble(view.generated_at, view.global, view.fleets, clusters);
}

/** The model after a change. */
export function changed(model: Model, delta: Delta): Model {
	const clusters = new Map(model.clusters);
	for (const identity of delta.removed) clusters.delete(identity);
	for (const cluster of delta.clusters) clusters.set(cluster.identity, cluster);
	const byFleet = new Map<string, Cluster[]>(delta.fleets.map((fleet) => [fleet.name, []]));
	for (const cluster of clusters.values()) byFleet.get(cluster.fleet)?.push(cluster);
	const fleets = delta.fleets.map((fleet) => {
		const members = byFleet.get(fleet.name) ?? [];
		return { ...fleet, clusters: members.sort((a, b) => a.number - b.number) };
	});
	return assemble(delta.generated_at, delta.global, fleets, clusters);
}

function assemble(at: string, global: Metrics, fleets: Fleet[], clusters: Map<string, Cluster>): Model {
	const states = fleets.map((fleet) => ({ ...fleet, missing: missingOf(fleet.clusters) }));
	const sum = (count: (fleet: FleetSummary) => number) => fleets.reduce((total, fleet) => total + count(fleet), 0);
	return {
		at: Date.parse(at),
		global,
		missing: new Set(metrics.map((m) => m.key).filter((key) => states.every((fleet) => fleet.missing.has(key)))),
		fleets: states,
		clusters,
		up: sum((fleet) => fleet.clusters_up),
		total: sum((fleet) => fleet.clusters_total),
	};
}

/** The keys that no cluster that is up reports. */
export function missingOf(clusters: readonly Cluster[]): Set<MetricKey> {
	const missing = new Set(metrics.map((metric) => metric.key));
	for (const cluster of clusters) {
		if (cluster.status !== "up" || !cluster.values_at) continue;
		for (const key of missing) if (!cluster.missing?.includes(key)) missing.delete(key);
		if (missing.size === 0) break;
	}
	return missing;
}

/** A value of a roll-up, or undefined where nothing reports it. */
export function rollupValue(rollup: Metrics, missing: ReadonlySet<MetricKey>, key: MetricKey): number | undefined {
	return missing.has(key) ? undefined : rollup[key];
}

/** A fleet by name. */
export function fleetOf(model: Model, name: string): FleetState | undefined {
	return model.fleets.find((fleet) => fleet.name === name);
}

/** A cluster by the number that people know it by. */
export function clusterOf(model: Model, fleet: string, number: number): Cluster | undefined {
	return fleetOf(model, fleet)?.clusters.find((cluster) => cluster.number === number);
}

const mostEvents = 500;

/** The latest events, newest first, after some that are new (oldest first). Those that are there already are left out. */
export function withEvents(events: readonly FleetEvent[], fresh: readonly FleetEvent[]): readonly FleetEvent[] {
	const there = new Set(events.slice(0, 2 * fresh.length + 50).map(nameOf));
	const really = fresh.filter((event) => !there.has(nameOf(event)));
	return really.length === 0 ? events : really.reverse().concat(events).slice(0, mostEvents);
}

const nameOf = (event: FleetEvent) => `${event.t} ${event.kind} ${event.identity}`;
