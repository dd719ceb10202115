import { useMemo } from "preact/hooks";
import type { EventKind, FleetEvent } from "../api/types";
import { count, moment } from "../format";
import { type Burst, grouped } from "../lib/grouped";
import { href } from "../router";
import { Seen } from "./ClusterTable";

/** What happened, to one cluster and to several. */
const texts: Record<EventKind, [one: string, many: string]> = {
	up: ["came back", "came back"],
	down: ["went down", "went down"],
	joined: ["joined", "joined"],
	restarted: ["restarted", "restarted"],
	left: ["left", "left"],
	moved: ["moved here", "moved here"],
	conflict: ["is claimed by two processes", "are claimed by two processes each"],
	retired: ["was retired", "were retired"],
};

const tones: Record<EventKind, string> = {
	up: "good",
	joined: "good",
	down: "bad",
	conflict: "bad",
	left: "warn",
	restarted: "neutral",
	moved: "neutral",
	retired: "neutral",
};

/** What happened, newest first, in a number of lines at the most. */
export function EventList({ events, most, empty }: { events: readonly FleetEvent[] | undefined; most: number; empty: string }) {
	const bursts = useMemo(() => grouped(events ?? [], most), [events, most]);
	if (!events) return <p class="muted">Reading events…</p>;
	if (bursts.length === 0) return <p class="muted">{empty}</p>;
	return (
		<ol class="events">
			{bursts.map((burst) => (
				<Line key={`${burst[0].t} ${burst[0].kind} ${burst[0].identity}`} burst={burst} />
			))}
		</ol>
	);
}

function Line({ burst }: { burst: Burst }) {
	const [event] = burst;
	const [one, many] = texts[event.kind] ?? [event.kind, event.kind];
	return (
		<li>
			<i class={`dot s-${tones[event.kind] ?? "neutral"}`} />
			{burst.length === 1 ? (
				<span class="event-text">
					<a href={href({ screen: "cluster", fleet: event.fleet, number: event.number })} title={event.identity}>
						{event.fleet} #{event.number}
					</a>{" "}
					{one}
				</span>
			) : (
				<span class="event-text" title={numbersOf(burst)}>
					<a href={href({ screen: "fleet", fleet: event.fleet })}>{event.fleet}</a>: {count(burst.length)} clusters {many}
				</span>
			)}
			<time dateTime={event.t} title={moment(Date.parse(event.t))}>
				<Seen time={event.t} />
			</time>
		</li>
	);
}

const mostNumbers = 40;

function numbersOf(burst: Burst): string {
	const numbers = burst.map((event) => event.number).sort((a, b) => a - b);
	const some = numbers.slice(0, mostNumbers).map((number) => `#${number}`);
	return some.join(", ") + (numbers.length > mostNumbers ? ", …" : "");
}
