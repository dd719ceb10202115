import type { ComponentChildren } from "preact";
import type { Cluster as ClusterData, Shard } from "../api/types";
import { Cards } from "../components/Cards";
import { Charts } from "../components/Charts";
import { Seen } from "../components/ClusterTable";
import { EventList } from "../components/EventList";
import { StatusPill } from "../components/Quality";
import { useSeries } from "../components/useSeries";
import { dash, duration, moment } from "../format";
import { faultsOf, metricOf, qualityOf, readingOf } from "../metrics";
import { href } from "../router";
import { events } from "../state/app";
import type { FleetState } from "../state/model";
import { Faults } from "./Attention";

/** One bot process: what is wrong with it, its values, shards and last hour, and where it runs. */
export function Cluster({ fleet, cluster }: { fleet: FleetState; cluster: ClusterData }) {
	const series = useSeries(cluster.fleet, cluster.number);
	const own = events.value?.filter((event) => event.identity === cluster.identity).slice(0, 10);
	return (
		<>
			<header class="title">
				<h1>
					{cluster.fleet} #{cluster.number}
				</h1>
				<StatusPill status={cluster.status} />
				<span class="identity">{cluster.identity}</span>
				<Siblings fleet={fleet} cluster={cluster} />
			</header>
			<Trouble cluster={cluster} />
			<section aria-label="Values" class={cluster.status === "down" ? "past" : ""}>
				<Cards read={(key) => readingOf(cluster, key)} series={series} thresholds />
			</section>
			<Shards cluster={cluster} />
			<section class="panel" aria-labelledby="history-title">
				<header class="panel-title">
					<h2 id="history-title">Last hour</h2>
				</header>
				<Charts series={series} known={(key) => readingOf(cluster, key) !== undefined} />
			</section>
			<div class="split">
				<Whereabouts cluster={cluster} />
				<section class="panel" aria-labelledby="own-events">
					<header class="panel-title">
						<h2 id="own-events">What happened to it</h2>
					</header>
					<EventList events={own} empty="Nothing since the control plane started." />
				</section>
			</div>
		</>
	);
}

function Trouble({ cluster }: { cluster: ClusterData }) {
	const faults = faultsOf(cluster);
	const notes: ComponentChildren[] = [];
	if (cluster.status === "down" && cluster.values_at) notes.push("The values are the last that it sent.");
	if (!cluster.values_at) notes.push("It has not sent any values since it registered.");
	if (cluster.oversized) notes.push("Its last report was too large to be read, so the values are older than it is.");
	if (faults.length === 0 && notes.length === 0) return null;
	const tone = faults.some((fault) => fault.quality === "bad") ? "tone-bad" : "tone-warn";
	return (
		<section class={`attention ${tone}`} aria-label="What is wrong">
			<p class="faults">
				<Faults cluster={cluster} />
			</p>
			{notes.map((note) => (
				<p key={String(note)}>{note}</p>
			))}
		</section>
	);
}

function Siblings({ fleet, cluster }: { fleet: FleetState; cluster: ClusterData }) {
	const index = fleet.clusters.findIndex((other) => other.number === cluster.number);
	const link = (other: ClusterData | undefined, label: string, mark: string) =>
		other && (
			<a href={href({ screen: "cluster", fleet: fleet.name, number: other.number })} aria-label={`${label} cluster, #${other.number}`}>
				{mark === "‹" && "‹ "}#{other.number}
				{mark === "›" && " ›"}
			</a>
		);
	return (
		<nav class="siblings" aria-label="Neighbouring clusters">
			{link(fleet.clusters[index - 1], "Previous", "‹")}
			{link(fleet.clusters[index + 1], "Next", "›")}
		</nav>
	);
}

function Shards({ cluster }: { cluster: ClusterData }) {
	const shards = cluster.shards ?? [];
	if (shards.length === 0) return null;
	const up = shards.filter((shard) => shard.status === "up").length;
	return (
		<section class="panel" aria-labelledby="shards-title">
			<header class="panel-title">
				<h2 id="shards-title">Shards</h2>
				<span class="muted">
					{up}/{shards.length} up
				</span>
			</header>
			<ul class="shards">
				{shards.map((shard) => (
					<ShardCell key={shard.shard_id} cluster={cluster} shard={shard} />
				))}
			</ul>
		</section>
	);
}

function ShardCell({ cluster, shard }: { cluster: ClusterData; shard: Shard }) {
	const up = shard.status === "up";
	const latency = shardLatency(shard);
	const quality = up ? qualityOf(metricOf("latency_seconds"), latency) : "bad";
	return (
		<li>
			<a class={`shard q-${quality}`} href={href({ screen: "shard", fleet: cluster.fleet, number: cluster.number, shard: shard.shard_id })}>
				<span class="shard-id">{shard.shard_id}</span>
				<span>{up ? (latency === undefined ? dash : duration(latency)) : "down"}</span>
				<span class="unseen">{quality === "warn" || (quality === "bad" && up) ? "slow" : ""}</span>
			</a>
		</li>
	);
}

/** A shard's latency; undefined while there is none: before its first acknowledgement it is told as 0. */
export function shardLatency(shard: Shard): number | undefined {
	return shard.status === "up" && shard.latency_seconds > 0 ? shard.latency_seconds : undefined;
}

function Whereabouts({ cluster }: { cluster: ClusterData }) {
	const rows: [string, ComponentChildren][] = [
		["Identity", <code key="identity">{cluster.identity}</code>],
		["Library version", cluster.version || dash],
		["Scrape target", cluster.scrape_target ? <code key="target">{cluster.scrape_target}</code> : dash],
		["Last seen", <Ago key="seen" time={cluster.last_seen} />],
		["Values from", cluster.values_at ? <Ago key="values" time={cluster.values_at} /> : dash],
		["This process since", <Ago key="since" time={cluster.registered_at} />],
		["Known since", moment(Date.parse(cluster.first_seen))],
		["Registrations", cluster.registrations.toLocaleString("en")],
	];
	return (
		<section class="panel" aria-labelledby="where-title">
			<header class="panel-title">
				<h2 id="where-title">Where it runs</h2>
			</header>
			<dl class="facts">
				{rows.map(([name, value]) => (
					<div key={name}>
						<dt>{name}</dt>
						<dd>{value}</dd>
					</div>
				))}
			</dl>
		</section>
	);
}

function Ago({ time }: { time: string }) {
	return (
		<time dateTime={time} title={moment(Date.parse(time))}>
			<Seen time={time} /> ago
		</time>
	);
}
