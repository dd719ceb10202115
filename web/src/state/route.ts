import { signal } from "@preact/signals";
import { href, type Place, parseRoute, type Route } from "../router";

/** Where the page is. */
export const route = signal<Route>(parseRoute(location.hash));

addEventListener("hashchange", () => {
	route.value = parseRoute(location.hash);
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
	history.replaceState(null, "", href(route.peek().place, Object.fromEntries(query)));
	route.value = parseRoute(location.hash);
}
