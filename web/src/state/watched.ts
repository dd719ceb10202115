import { effect } from "@preact/signals";
import type { Cluster, Shard } from "../api/types";
import { model } from "./app";

/** What reports said of the shards of one cluster while this page was open. */
export interface Watch {
	/** When reports were made, in milliseconds since 1970, oldest first. */
	times: readonly number[];
	/** By shard and beside the times: its latency in seconds, null where it had none. */
	latencies: ReadonlyMap<string, readonly (number | null)[]>;
}

/** Of so many clusters, and of each of them so many reports, is kept what was said: an hour, where bots beat each 15 s. */
const mostClusters = 16;
const mostPoints = 240;

const nothing: Watch = { times: [], latencies: new Map() };

/** A shard's latency; undefined while there is none: before its first acknowledgement it is told as 0. */
export function shardLatency(shard: Shard): number | undefined {
	return shard.status === "up" && shard.latency_seconds > 0 ? shard.latency_seconds : undefined;
}

/** A watch with what the cluster's latest report says, if that is a new one. */
export function extendedWatch(watch: Watch, cluster: Cluster): Watch {
	const at = cluster.values_at ? Date.parse(cluster.values_at) : 0;
	if (at <= (watch.times.at(-1) ?? 0)) return watch;
	const now = new Map(cluster.shards?.map((shard) => [shard.shard_id, shardLatency(shard) ?? null]));
	const before = watch.times.map(() => null);
	const shards = new Set([...watch.latencies.keys(), ...now.keys()]);
	return {
		times: [...watch.times, at].slice(-mostPoints),
		latencies: new Map(
			[...shards].map((shard) => [shard, [...(watch.latencies.get(shard) ?? before), now.get(shard) ?? null].slice(-mostPoints)]),
		),
	};
}

/** By identity, the one that was looked at last at the end. */
const watches = new Map<string, Watch>();

/**
 * The latencies of a cluster's shards since somebody first looked at it on this page. From then on they are kept up to
 * date, whatever is looked at. The control plane itself keeps no history of single shards.
 */
export function watched(cluster: Cluster): Watch {
	const watch = extendedWatch(watches.get(cluster.identity) ?? nothing, cluster);
	watches.delete(cluster.identity);
	watches.set(cluster.identity, watch);
	for (const identity of watches.keys()) if (watches.size > mostClusters) watches.delete(identity);
	return watch;
}

effect(() => {
	const known = model.value;
	if (!known) watches.clear(); // whoever comes next may not see it
	for (const [identity, watch] of watches) {
		const cluster = known?.clusters.get(identity);
		if (cluster) watches.set(identity, extendedWatch(watch, cluster));
	}
});
