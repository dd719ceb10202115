import type { ComponentChildren } from "preact";
import type { Cluster as ClusterData } from "../api/types";
import { Cards } from "../components/Cards";
import { Charts } from "../components/Charts";
import { Seen } from "../components/ClusterTable";
import { EventList } from "../components/EventList";
import { StatusPill } from "../components/Quality";
import { ShardGrid } from "../components/ShardGrid";
import { useSeries } from "../components/useSeries";
import { dash, moment } from "../format";
import { faultsOf, readingOf } from "../metrics";
import { href } from "../router";
import { events } from "../state/app";
import type { FleetState } from "../state/model";
import { watched } from "../state/watched";
import { Faults } from "./Attention";

/** One bot process: what is wrong with it, its values, shards and last hour, and where it runs. */
export function Cluster({ fleet, cluster }: { fleet: FleetState; cluster: ClusterData }) {
	const series = useSeries(cluster.fleet, cluster.number);
	const own = events.value?.filter((event) => event.identity === cluster.identity);
	watched(cluster); // its shards, for those who look at one later
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
			<ShardGrid cluster={cluster} />
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
					<EventList events={own} most={10} empty="Nothing since the control plane started." />
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
