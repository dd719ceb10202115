import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ConnectionBanner } from "../components/Connection";
import { Find } from "../components/Find";
import { Header } from "../components/Header";
import { Help } from "../components/Help";
import { useKeys } from "../components/useKeys";
import { href, type Place } from "../router";
import { access, config, link, model, trouble } from "../state/app";
import { clusterOf, fleetOf, type Model } from "../state/model";
import { arrivals, route } from "../state/route";
import { Analytics } from "./Analytics";
import { Cluster } from "./Cluster";
import { Fleet } from "./Fleet";
import { Global } from "./Global";
import { Setup } from "./Setup";
import { Shard } from "./Shard";
import { SignIn } from "./SignIn";

/** The whole page. */
export function App() {
	useKeys();
	useTitle();
	useArrival();
	return (
		<>
			<button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
				Skip to the content
			</button>
			<Header />
			<ConnectionBanner />
			<main id="main" tabIndex={-1} class={link.value === "lost" && model.value ? "stale" : ""}>
				<Screen place={route.value.place} />
			</main>
			<Find />
			<Help />
		</>
	);
}

function Screen({ place }: { place: Place }) {
	if (place.screen === "setup") return <Setup />;
	if (access.value === "refused") return <SignIn />;
	if (place.screen === "analytics" && config.value)
		return config.value.analytics_enabled ? <Analytics model={model.value} /> : <NoAnalytics />;
	if (!model.value) return <Waiting />;
	return <Tier place={place} model={model.value} />;
}

function Tier({ place, model }: { place: Place; model: Model }) {
	if (place.screen === "global") return <Global model={model} />;
	if (!("fleet" in place)) return <NotFound what="Nothing is at this address." />;
	const fleet = fleetOf(model, place.fleet);
	if (!fleet) return <NotFound what={`There is no fleet "${place.fleet}".`} />;
	if (place.screen === "fleet") return <Fleet key={fleet.name} fleet={fleet} />;
	const cluster = clusterOf(model, place.fleet, place.number);
	if (!cluster) return <NotFound what={`There is no cluster #${place.number} in the fleet "${place.fleet}" any more.`} />;
	if (place.screen === "cluster") return <Cluster key={cluster.identity} fleet={fleet} cluster={cluster} />;
	const shard = cluster.shards?.find((candidate) => candidate.shard_id === place.shard);
	if (!shard) return <NotFound what={`The cluster does not report a shard "${place.shard}" at present.`} />;
	return <Shard key={`${cluster.identity} ${shard.shard_id}`} cluster={cluster} shard={shard} />;
}

function NotFound({ what }: { what: string }) {
	return (
		<section class="empty">
			<h1>Not there</h1>
			<p>{what}</p>
			<p>
				<a href={href({ screen: "global" })}>To the overview</a>
			</p>
		</section>
	);
}

function NoAnalytics() {
	return (
		<section class="empty">
			<h1>Analytics</h1>
			<p>
				This control plane has no ClickHouse. With <code>ARGUS_FLEET_CLICKHOUSE_DSN</code>, or <code>spec.analytics</code> of its
				ArgusFleet, it answers questions about single guilds.
			</p>
		</section>
	);
}

function Waiting() {
	if (link.value !== "lost")
		return (
			<p class="waiting" role="status">
				Connecting…
			</p>
		);
	return (
		<section class="empty">
			<h1>Cannot reach the control plane</h1>
			<p role="alert">{trouble.value}</p>
			<p class="muted">The page keeps trying.</p>
		</section>
	);
}

/** Whoever goes to another screen begins at its top, with the eyes and with the keyboard. */
function useArrival(): void {
	useSignalEffect(() => {
		if (arrivals.value === 0) return;
		scrollTo(0, 0);
		document.getElementById("main")?.focus({ preventScroll: true });
	});
}

/** The tab tells where the page is and how many clusters are down. */
function useTitle(): void {
	const { place } = route.value;
	const down = model.value ? model.value.total - model.value.up : 0;
	const title = `${down > 0 ? `(${down} down) ` : ""}${nameOf(place)} · Argus fleet`;
	useEffect(() => {
		document.title = title;
	}, [title]);
}

function nameOf(place: Place): string {
	switch (place.screen) {
		case "fleet":
			return place.fleet;
		case "cluster":
			return `${place.fleet} #${place.number}`;
		case "shard":
			return `shard ${place.shard} of ${place.fleet} #${place.number}`;
		case "setup":
			return "Set up";
		case "analytics":
			return "Analytics";
		case "global":
			return "Overview";
		default:
			return "Not there";
	}
}
