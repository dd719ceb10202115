import type { Cluster, Shard } from "../api/types";
import { dash, duration } from "../format";
import { metricOf, qualityOf } from "../metrics";
import { href } from "../router";
import { shardLatency } from "../state/watched";

/** A cluster's shards, one cell each; the one that is looked at is marked. */
export function ShardGrid({ cluster, current }: { cluster: Cluster; current?: string }) {
	const shards = cluster.shards ?? [];
	if (shards.length === 0) return null;
	const up = shards.filter((shard) => shard.status === "up").length;
	return (
		<section class="panel" aria-labelledby="shards-title">
			<header class="panel-title">
				<h2 id="shards-title">{current === undefined ? "Shards" : "Shards of the same cluster"}</h2>
				<span class="muted">
					{up}/{shards.length} up
				</span>
			</header>
			<ul class="shards">
				{shards.map((shard) => (
					<ShardCell key={shard.shard_id} cluster={cluster} shard={shard} current={shard.shard_id === current} />
				))}
			</ul>
		</section>
	);
}

function ShardCell({ cluster, shard, current }: { cluster: Cluster; shard: Shard; current: boolean }) {
	const up = shard.status === "up";
	const latency = shardLatency(shard);
	const quality = up ? qualityOf(metricOf("latency_seconds"), latency) : "bad";
	return (
		<li>
			<a
				class={`shard q-${quality}`}
				aria-current={current ? "page" : undefined}
				href={href({ screen: "shard", fleet: cluster.fleet, number: cluster.number, shard: shard.shard_id })}
			>
				<span class="shard-id">{shard.shard_id}</span>
				<span>{up ? (latency === undefined ? dash : duration(latency)) : "down"}</span>
				<span class="unseen">{quality === "warn" || (quality === "bad" && up) ? "slow" : ""}</span>
			</a>
		</li>
	);
}
