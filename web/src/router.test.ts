import { describe, expect, test } from "vitest";
import { href, type Place, parentOf, parseRoute } from "./router";

describe("addresses", () => {
	const places: Record<string, Place> = {
		"#/": { screen: "global" },
		"#/fleet/europe": { screen: "fleet", fleet: "europe" },
		"#/fleet/a%2Fb%20%C3%A9%23%3F/cluster/12": { screen: "cluster", fleet: "a/b é#?", number: 12 },
		"#/fleet/europe/cluster/12/shard/0": { screen: "shard", fleet: "europe", number: 12, shard: "0" },
		"#/fleet/setup": { screen: "fleet", fleet: "setup" },
		"#/setup": { screen: "setup" },
		"#/analytics": { screen: "analytics" },
	};
	for (const [address, place] of Object.entries(places)) {
		test(`${address} leads there and back`, () => {
			expect(parseRoute(address).place).toEqual(place);
			expect(href(place)).toBe(address);
		});
	}
	for (const address of [
		"#/fleet",
		"#/fleet/a/b",
		"#/fleet/a/cluster/x",
		"#/fleet/a/cluster/-1",
		"#/fleet/a/cluster/1/shard",
		"#/fleet/%E0",
		"#/nothing",
	])
		test(`${address} is nowhere`, () => expect(parseRoute(address).place).toEqual({ screen: "unknown" }));
	test("nothing, # and #/ are the overview", () => {
		for (const address of ["", "#", "#/"]) expect(parseRoute(address).place).toEqual({ screen: "global" });
	});
	test("a query is how a place is looked at", () => {
		const { place, query } = parseRoute(href({ screen: "fleet", fleet: "europe" }, { q: "a b&c", sort: "-guilds" }));
		expect(place).toEqual({ screen: "fleet", fleet: "europe" });
		expect(Object.fromEntries(query)).toEqual({ q: "a b&c", sort: "-guilds" });
	});
});

test("one level up, again and again, ends at the top", () => {
	const trail: string[] = [];
	let place: Place | undefined = { screen: "shard", fleet: "europe", number: 3, shard: "7" };
	while (place) {
		trail.push(href(place));
		place = parentOf(place);
	}
	expect(trail).toEqual(["#/fleet/europe/cluster/3/shard/7", "#/fleet/europe/cluster/3", "#/fleet/europe", "#/"]);
});
