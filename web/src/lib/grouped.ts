import type { FleetEvent } from "../api/types";

/** The same thing that happened to several clusters of a fleet at about one time; newest first. */
export type Burst = readonly [FleetEvent, ...FleetEvent[]];

/** How far apart two of a burst are at the most, in milliseconds. */
const close = 60_000;

/**
 * Puts together what belongs together: a hundred clusters that joined are one line, between which the one that went down
 * is seen. A cluster to which the same thing happened again begins another line. Events come and bursts go newest first.
 */
export function grouped(events: readonly FleetEvent[], most: number): Burst[] {
	const bursts: [FleetEvent, ...FleetEvent[]][] = [];
	const open = new Map<string, { burst: FleetEvent[]; until: number; there: Set<string> }>();
	for (const event of events) {
		const key = `${event.kind}\n${event.fleet}`;
		const at = Date.parse(event.t);
		const last = open.get(key);
		if (last && last.until - at <= close && !last.there.has(event.identity)) {
			last.burst.push(event);
			last.there.add(event.identity);
			last.until = at;
			continue;
		}
		if (bursts.length === most) break;
		const burst: [FleetEvent] = [event];
		bursts.push(burst);
		open.set(key, { burst, until: at, there: new Set([event.identity]) });
	}
	return bursts;
}
