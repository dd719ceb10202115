import { useEffect, useRef, useState } from "preact/hooks";
import { Sparkline } from "../components/Cards";
import { NoData, UpPill } from "../components/Quality";
import { useSeries } from "../components/useSeries";
import { count } from "../format";
import { href } from "../router";
import { type FleetState, rollupValue } from "../state/model";

/** A fleet in a line of them. */
export function FleetCard({ fleet }: { fleet: FleetState }) {
	const card = useRef<HTMLLIElement>(null);
	const seen = useSeen(card);
	const guilds = rollupValue(fleet.rollup, fleet.missing, "guilds");
	return (
		<li class="fleet" ref={card}>
			<a href={href({ screen: "fleet", fleet: fleet.name })}>
				<span class="fleet-name">{fleet.name}</span>
				<UpPill up={fleet.clusters_up} total={fleet.clusters_total} />
				<span class="muted fleet-guilds">{guilds === undefined ? <NoData /> : count(guilds)} guilds</span>
				<span class="fleet-trend">{seen && <FleetTrend name={fleet.name} />}</span>
			</a>
		</li>
	);
}

/** How the fleet's interactions went over the last hour. */
function FleetTrend({ name }: { name: string }) {
	const series = useSeries(name);
	return <Sparkline values={series?.points.map((point) => point.interactions_rate) ?? []} />;
}

/** The control plane limits how much one address may read, so only the first cards that are looked at ask for their history. */
const mostTrends = 24;
let trends = 0;

function useSeen(card: { current: HTMLElement | null }): boolean {
	const [seen, setSeen] = useState(false);
	useEffect(() => {
		if (!card.current) return;
		let counted = false;
		const observer = new IntersectionObserver(([entry]) => {
			if (!entry?.isIntersecting || counted || trends >= mostTrends) return;
			trends++;
			counted = true;
			setSeen(true);
		});
		observer.observe(card.current);
		return () => {
			observer.disconnect();
			if (counted) trends--;
		};
	}, [card]);
	return seen;
}
