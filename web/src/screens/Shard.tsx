import { useMemo } from "preact/hooks";
import type { Cluster, Shard as ShardData } from "../api/types";
import { Thresholds } from "../components/Cards";
import { Chart } from "../components/Chart";
import { Seen } from "../components/ClusterTable";
import { StatusPill, Value } from "../components/Quality";
import { ShardGrid } from "../components/ShardGrid";
import { useSeries } from "../components/useSeries";
import { timeOfDay } from "../format";
import { gapped } from "../lib/gaps";
import { metricOf, readingOf } from "../metrics";
import { href } from "../router";
import { shardLatency, watched } from "../state/watched";

const latency = metricOf("latency_seconds");

/** One gateway shard: its latency, as far as this page has watched it, and beside it the hour of its cluster. */
export function Shard({ cluster, shard }: { cluster: Cluster; shard: ShardData }) {
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
			<dl class={`cards few ${cluster.status === "down" ? "past" : ""}`}>
				<div class="card">
					<dt>Gateway latency</dt>
					<dd>
						<Value metric={latency} value={shardLatency(shard)} />
						<Thresholds metric={latency} />
					</dd>
				</div>
				<div class="card">
					<dt>Cluster</dt>
					<dd>
						<a href={href({ screen: "cluster", fleet: cluster.fleet, number: cluster.number })}>{cluster.identity}</a>
						{cluster.values_at && (
							<span class="thresholds">
								reported <Seen time={cluster.values_at} /> ago
							</span>
						)}
					</dd>
				</div>
			</dl>
			<section class="panel" aria-label="Latency">
				<OwnLatency cluster={cluster} shard={shard} />
			</section>
			<section class="panel" aria-label="Latency of the cluster">
				<ClusterLatency cluster={cluster} />
			</section>
			<ShardGrid cluster={cluster} current={shard.shard_id} />
		</>
	);
}

function OwnLatency({ cluster, shard }: { cluster: Cluster; shard: ShardData }) {
	const { times, latencies } = watched(cluster);
	const values = latencies.get(shard.shard_id);
	const curve = useMemo(() => gapped(times, values ?? []), [times, values]);
	const since = times[0] === undefined ? "now" : timeOfDay(times[0]);
	return (
		<Chart
			tall
			curve={{ metric: latency, ...curve, span: `since ${since}` }}
			label={`Latency since ${since}, when this page began to watch`}
		/>
	);
}

function ClusterLatency({ cluster }: { cluster: Cluster }) {
	const series = useSeries(cluster.fleet, cluster.number);
	const known = readingOf(cluster, "latency_seconds") !== undefined;
	const curve = useMemo(
		() =>
			series && known
				? gapped(
						series.times,
						series.points.map((point) => point.latency_seconds),
					)
				: { times: [], values: [] },
		[series, known],
	);
	return (
		<Chart
			curve={{ metric: latency, ...curve, span: "of the slowest shard over the last hour" }}
			label="The cluster's slowest shard, last hour"
		/>
	);
}
