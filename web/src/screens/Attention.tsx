import { useState } from "preact/hooks";
import type { Cluster } from "../api/types";
import { Seen } from "../components/ClusterTable";
import { format, plural } from "../format";
import { rank } from "../lib/order";
import { faultsOf, metricOf } from "../metrics";
import { href } from "../router";
import type { Model } from "../state/model";

const first = 6;
const most = 300;

/** The clusters with which something is wrong, the worst and latest first. */
export function problemsOf(clusters: Iterable<Cluster>): Cluster[] {
	const found: { cluster: Cluster; rank: number }[] = [];
	for (const cluster of clusters) {
		const rankOf = rank(cluster);
		if (rankOf < 2) found.push({ cluster, rank: rankOf });
	}
	return found
		.sort(
			(a, b) =>
				a.rank - b.rank || b.cluster.last_seen.localeCompare(a.cluster.last_seen) * Number(a.rank < 0) || byName(a.cluster, b.cluster),
		)
		.map(({ cluster }) => cluster);
}

const byName = (a: Cluster, b: Cluster) => a.fleet.localeCompare(b.fleet) || a.number - b.number;

/** What is wrong, at the top of everything else. */
export function Attention({ model }: { model: Model }) {
	const [all, showAll] = useState(false);
	const problems = problemsOf(model.clusters.values());
	if (model.total === 0) return null;
	if (problems.length === 0) return <p class="calm">Nothing needs attention.</p>;
	const down = problems.filter((cluster) => cluster.status === "down").length;
	return (
		<section class={`attention ${down > 0 ? "tone-bad" : "tone-warn"}`} aria-labelledby="attention">
			<h2 id="attention">{plural(problems.length, "cluster needs attention", "clusters need attention")}</h2>
			<ul>
				{problems.slice(0, all ? most : first).map((cluster) => (
					<Problem key={cluster.identity} cluster={cluster} />
				))}
			</ul>
			{problems.length > first && (
				<button type="button" class="quiet" aria-expanded={all} onClick={() => showAll(!all)}>
					{all ? "Show fewer" : `Show all ${Math.min(problems.length, most)}`}
				</button>
			)}
		</section>
	);
}

function Problem({ cluster }: { cluster: Cluster }) {
	return (
		<li>
			<a href={href({ screen: "cluster", fleet: cluster.fleet, number: cluster.number })}>
				<b>
					{cluster.fleet} #{cluster.number}
				</b>
				<span class="problem-identity">{cluster.identity}</span>
				<span class="problem-faults">
					<Faults cluster={cluster} />
				</span>
			</a>
		</li>
	);
}

/** What is wrong with one cluster, in words. */
export function Faults({ cluster }: { cluster: Cluster }) {
	if (cluster.status === "down")
		return (
			<span class="fault q-bad">
				down, last seen <Seen time={cluster.last_seen} /> ago
			</span>
		);
	return (
		<>
			{faultsOf(cluster).map((fault) => (
				<span class={`fault q-${fault.quality}`} key={fault.text}>
					{fault.text} {fault.key && format(metricOf(fault.key).unit, fault.value)}
				</span>
			))}
		</>
	);
}
