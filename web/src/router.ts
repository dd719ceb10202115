/** A screen and what it shows. */
export type Place =
	| { screen: "global" }
	| { screen: "fleet"; fleet: string }
	| { screen: "cluster"; fleet: string; number: number }
	| { screen: "shard"; fleet: string; number: number; shard: string }
	| { screen: "analytics" }
	| { screen: "setup" }
	| { screen: "unknown" };

/** Where the page is: a place, and how it is looked at (filter, order, ...). */
export interface Route {
	place: Place;
	query: URLSearchParams;
}

/** Reads the part of an address behind "#". */
export function parseRoute(hash: string): Route {
	const [path = "", search = ""] = hash.replace(/^#/, "").split("?", 2);
	return { place: placeOf(path.split("/").filter(Boolean).map(decode)), query: new URLSearchParams(search) };
}

function placeOf(parts: (string | undefined)[]): Place {
	const [first, fleet, second, number, third, shard, ...more] = parts;
	if (parts.includes(undefined) || more.length > 0) return { screen: "unknown" };
	if (first === undefined) return { screen: "global" };
	if (parts.length === 1 && (first === "setup" || first === "analytics")) return { screen: first };
	if (first !== "fleet" || fleet === undefined) return { screen: "unknown" };
	if (second === undefined) return { screen: "fleet", fleet };
	if (second !== "cluster" || number === undefined || !/^\d{1,9}$/.test(number)) return { screen: "unknown" };
	if (third === undefined) return { screen: "cluster", fleet, number: Number(number) };
	if (third !== "shard" || shard === undefined) return { screen: "unknown" };
	return { screen: "shard", fleet, number: Number(number), shard };
}

function decode(part: string): string | undefined {
	try {
		return decodeURIComponent(part);
	} catch {
		return undefined;
	}
}

/** The address of a place. */
export function href(place: Place, query: Record<string, string> = {}): string {
	const search = new URLSearchParams(query).toString();
	return `#/${pathOf(place)}${search ? `?${search}` : ""}`;
}

function pathOf(place: Place): string {
	switch (place.screen) {
		case "global":
		case "unknown":
			return "";
		case "fleet":
			return `fleet/${encodeURIComponent(place.fleet)}`;
		case "cluster":
			return `fleet/${encodeURIComponent(place.fleet)}/cluster/${place.number}`;
		case "shard":
			return `fleet/${encodeURIComponent(place.fleet)}/cluster/${place.number}/shard/${encodeURIComponent(place.shard)}`;
		default:
			return place.screen;
	}
}

/** The place one level up, or undefined at the top. */
export function parentOf(place: Place): Place | undefined {
	switch (place.screen) {
		case "global":
			return undefined;
		case "cluster":
			return { screen: "fleet", fleet: place.fleet };
		case "shard":
			return { screen: "cluster", fleet: place.fleet, number: place.number };
		default:
			return { screen: "global" };
	}
}
