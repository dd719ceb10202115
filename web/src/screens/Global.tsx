import { Cards } from "../components/Cards";
import { EventList } from "../components/EventList";
import { HealthMap, LensPicker, lensOf } from "../components/HealthMap";
import { UpPill } from "../components/Quality";
import { useSeries } from "../components/useSeries";
import { plural } from "../format";
import { href } from "../router";
import { events } from "../state/app";
import { type Model, rollupValue } from "../state/model";
import { route } from "../state/route";
import { Attention } from "./Attention";
import { FleetCard } from "./FleetCard";

const latestEvents = 14;

/** Everything at a glance: what is wrong, how much there is, where, and what changed. */
export function Global({ model }: { model: Model }) {
	const series = useSeries();
	const lens = lensOf(route.value.query);
	if (model.total === 0) return <Empty />;
	return (
		<>
			<header class="title">
				<h1>Fleet overview</h1>
				<UpPill up={model.up} total={model.total} />
				<span class="muted">{plural(model.fleets.length, "fleet")}</span>
			</header>
			<Attention model={model} />
			<section aria-label="Totals">
				<Cards read={(key) => rollupValue(model.global, model.missing, key)} series={series} />
			</section>
			<div class="split">
				<div class="column">
					<section class="panel" aria-labelledby="map-title">
						<header class="panel-title">
							<h2 id="map-title">Clusters</h2>
							<LensPicker lens={lens} />
						</header>
						<HealthMap groups={model.fleets} lens={lens} />
					</section>
					<section aria-labelledby="fleets-title">
						<h2 id="fleets-title">Fleets</h2>
						<ul class="fleets">
							{model.fleets.map((fleet) => (
								<FleetCard key={fleet.name} fleet={fleet} />
							))}
						</ul>
					</section>
				</div>
				<section class="panel" aria-labelledby="events-title">
					<header class="panel-title">
						<h2 id="events-title">What changed lately</h2>
					</header>
					<EventList events={events.value} most={latestEvents} empty="Nothing has changed since the control plane started." />
				</section>
			</div>
		</>
	);
}

function Empty() {
	return (
		<section class="empty">
			<h1>Fleet overview</h1>
			<p>No clusters are registered yet.</p>
			<p>
				A bot appears here as soon as it has joined. <a href={href({ screen: "setup" })}>Set one up</a>
			</p>
		</section>
	);
}
