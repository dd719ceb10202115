import { useEffect, useState } from "preact/hooks";
import type { Cluster, Shard as ShardData } from "../api/types";
import { Chart } from "../components/Chart";
import { StatusPill, Value } from "../components/Quality";
import { metricOf } from "../metrics";
import { href } from "../router";
import { shardLatency } from "./Cluster";

const latency = { ...metricOf("latency_seconds"), label: "Latency since this screen was opened" };
const mostPoints = 600;

/** One gateway shard, and its latency from now on. */
export function Shard({ cluster, shard }: { cluster: Cluster; shard: ShardData }) {
	const watched = useWatched(cluster, shard);
	const shards = cluster.shards ?? [];
	const index = shards.findIndex((other) => other.shard_id === shard.shard_id);
	const link = (other: ShardData | undefined, text: string) =>
		other && <a href={href({ screen: "shard", fleet: cluster.fleet, number: cluster.number, shard: other.shard_id })}>{text}</a>;
	return (
		<>
			<header class="title">
				<h1>Shard {shard.shard_id}</h1>
				<StatusPill status={cluster.status === "down" ? "down" : shard.status} />
				<span class="muted">
					of {cluster.fleet} #{cluster.number}
				</span>
				<nav class="siblings" aria-label="Neighbouring shards">
					{link(shards[index - 1], `‹ shard ${shards[index - 1]?.shard_id}`)}
					{link(shards[index + 1], `shard ${shards[index + 1]?.shard_id} ›`)}
				</nav>
			</header>
			{cluster.status === "down" && (
				<section class="attention tone-bad" aria-label="What is wrong">
					<p>Its cluster is down. This is the last that was heard of the shard.</p>
				</section>
			)}
			<dl class="cards few">
				<div class="card">
					<dt>Gateway latency</dt>
					<dd>
						<Value metric={latency} value={shardLatency(shard)} />
					</dd>
				</div>
				<div class="card">
					<dt>Cluster</dt>
					<dd>
						<a href={href({ screen: "cluster", fleet: cluster.fleet, number: cluster.number })}>{cluster.identity}</a>
					</dd>
				</div>
			</dl>
			<section class="panel" aria-label="Latency">
				<Chart metric={latency} times={watched.times} values={watched.values} />
			</section>
		</>
	);
}

/** What the shard's cluster reported while the screen is open. The control plane keeps no history of single shards. */
function useWatched(cluster: Cluster, shard: ShardData): { times: number[]; values: (number | null)[] } {
	const [watched, setWatched] = useState<{ times: number[]; values: (number | null)[] }>({ times: [], values: [] });
	const at = cluster.values_at ? Date.parse(cluster.values_at) : 0;
	const value = shardLatency(shard) ?? null;
	useEffect(() => {
		if (at === 0) return;
		setWatched((before) => {
			if ((before.times.at(-1) ?? 0) >= at) return before;
			return { times: [...before.times, at].slice(-mostPoints), values: [...before.values, value].slice(-mostPoints) };
		});
	}, [at, value]);
	return watched;
}
