import { batch, signal } from "@preact/signals";
import { href, type Place, parseRoute, type Route } from "../router";

/** Where the page is. */
export const route = signal<Route>(parseRoute(location.hash));

/** Counts the places that were gone to by a link or a key. Back and Forward are no arrivals: the browser knows where one was. */
export const arrivals = signal(0);

/** Marks an entry of the browser's history in which the page has been. */
const been = { been: true };
history.replaceState(been, "");

addEventListener("hashchange", () => {
	const next = parseRoute(location.hash);
	const elsewhere = href(next.place) !== href(route.peek().place);
	batch(() => {
		route.value = next;
		if (elsewhere && history.state === null) arrivals.value++;
	});
	history.replaceState(been, "");
});

/** Goes to another place; the back button comes back. */
export function go(place: Place): void {
	location.hash = href(place);
}

/** Changes how a place is looked at, without an entry for the back button. Empty values are left out. */
export function look(changes: Record<string, string>): void {
	const query = new URLSearchParams(route.peek().query);
	for (const [name, value] of Object.entries(changes)) {
		if (value === "") query.delete(name);
		else query.set(name, value);
	}
	history.replaceState(been, "", href(route.peek().place, Object.fromEntries(query)));
	route.value = parseRoute(location.hash);
}
