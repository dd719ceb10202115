import type { EventKind, FleetEvent } from "../api/types";
import { moment } from "../format";
import { href } from "../router";
import { Seen } from "./ClusterTable";

const texts: Record<EventKind, string> = {
	up: "came back",
	down: "went down",
	joined: "joined",
	restarted: "restarted",
	left: "left",
	moved: "moved here",
	conflict: "is claimed by two processes",
	retired: "was retired",
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

/** What happened, newest first. */
export function EventList({ events, empty }: { events: readonly FleetEvent[] | undefined; empty: string }) {
	if (!events) return <p class="muted">Reading events…</p>;
	if (events.length === 0) return <p class="muted">{empty}</p>;
	return (
		<ol class="events">
			{events.map((event) => (
				<li key={`${event.t} ${event.kind} ${event.identity}`}>
					<i class={`dot s-${tones[event.kind] ?? "neutral"}`} />
					<span class="event-text">
						<a href={href({ screen: "cluster", fleet: event.fleet, number: event.number })} title={event.identity}>
							{event.fleet} #{event.number}
						</a>{" "}
						{texts[event.kind] ?? event.kind}
					</span>
					<time dateTime={event.t} title={moment(Date.parse(event.t))}>
						<Seen time={event.t} />
					</time>
				</li>
			))}
		</ol>
	);
}
