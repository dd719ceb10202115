import { Cards } from "../components/Cards";
import { ClusterTable } from "../components/ClusterTable";
import { HealthMap, LensPicker, lensOf } from "../components/HealthMap";
import { UpPill } from "../components/Quality";
import { Segments } from "../components/Segments";
import { useSeries } from "../components/useSeries";
import { plural } from "../format";
import { filtered, ordered, orderOf, type Show } from "../lib/order";
import { type FleetState, rollupValue } from "../state/model";
import { look, route } from "../state/route";

const shows: { value: Show; label: string }[] = [
	{ value: "all", label: "All" },
	{ value: "problems", label: "Problems" },
	{ value: "down", label: "Down" },
	{ value: "up", label: "Up" },
];

/** One fleet: its roll-up, and its clusters as a table or as a map. */
export function Fleet({ fleet }: { fleet: FleetState }) {
	const series = useSeries(fleet.name);
	const { query } = route.value;
	const asMap = query.get("as") === "map";
	const show = shows.find((option) => option.value === query.get("show"))?.value ?? "all";
	const text = query.get("q") ?? "";
	const clusters = filtered(fleet.clusters, text, show);
	return (
		<>
			<header class="title">
				<h1>{fleet.name}</h1>
				<UpPill up={fleet.clusters_up} total={fleet.clusters_total} />
			</header>
			<section aria-label="Totals">
				<Cards read={(key) => rollupValue(fleet.rollup, fleet.missing, key)} series={series} />
			</section>
			<section class="panel" aria-labelledby="clusters-title">
				<header class="panel-title toolbar">
					<h2 id="clusters-title">Clusters</h2>
					<input
						type="search"
						class="filter"
						aria-label="Filter clusters by identity, number or version"
						placeholder="Filter: identity, #number, version"
						value={text}
						onInput={(event) => look({ q: event.currentTarget.value })}
					/>
					<Segments label="Which clusters" value={show} options={shows} choose={(value) => look({ show: value === "all" ? "" : value })} />
					<Segments
						label="As what"
						value={asMap ? "map" : "table"}
						options={[
							{ value: "table", label: "Table" },
							{ value: "map", label: "Map" },
						]}
						choose={(value) => look({ as: value === "map" ? "map" : "" })}
					/>
					{asMap && <LensPicker lens={lensOf(query)} />}
				</header>
				<p class="unseen" role="status">
					{plural(clusters.length, "cluster")} shown
				</p>
				{clusters.length === 0 && <p class="muted">No cluster is like that.</p>}
				{clusters.length > 0 && asMap && <HealthMap groups={[{ name: fleet.name, clusters }]} lens={lensOf(query)} />}
				{clusters.length > 0 && !asMap && <List fleet={fleet.name} clusters={clusters} sort={query.get("sort")} />}
			</section>
		</>
	);
}

function List({ fleet, clusters, sort }: { fleet: string; clusters: FleetState["clusters"]; sort: string | null }) {
	const order = orderOf(sort);
	return <ClusterTable clusters={ordered(clusters, order)} order={order} label={`Clusters of ${fleet}`} />;
}
