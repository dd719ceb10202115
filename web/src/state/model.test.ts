import { describe, expect, test } from "vitest";
import type { Delta } from "../api/types";
import { clusterOf, eventOf, metricsOf, viewOf } from "../fixtures";
import { changed, clusterOf as find, missingOf, modelOf, rollupValue, withEvents } from "./model";

const summary = (name: string, up: number, total: number) => ({ name, clusters_up: up, clusters_total: total, rollup: metricsOf() });
const delta = (changes: Partial<Delta>): Delta => ({
	generated_at: "2026-11-23T12:00:01Z",
	global: metricsOf(),
	fleets: [],
	clusters: [],
	removed: [],
	events: [],
	...changes,
});

describe("the model", () => {
	const asia = clusterOf(1, { identity: "a", fleet: "asia" });
	const start = modelOf(viewOf([asia, clusterOf(1), clusterOf(2)]));

	test("counts what is up", () =>
		expect([start.up, start.total, start.fleets.map((fleet) => fleet.name)]).toEqual([3, 3, ["asia", "europe"]]));

	test("takes a cluster that went down, and leaves the former model as it was", () => {
		const next = changed(
			start,
			delta({ fleets: [summary("asia", 1, 1), summary("europe", 1, 2)], clusters: [clusterOf(2, { status: "down" })] }),
		);
		expect([next.up, next.total]).toEqual([2, 3]);
		expect(find(next, "europe", 2)?.status).toBe("down");
		expect(find(start, "europe", 2)?.status).toBe("up");
		expect(next.at - start.at).toBe(1000);
	});

	test("puts a new cluster where its number belongs", () => {
		const next = changed(start, delta({ fleets: [summary("europe", 3, 3)], clusters: [clusterOf(10), clusterOf(3)] }));
		expect(next.fleets[0]?.clusters.map((cluster) => cluster.number)).toEqual([1, 2, 3, 10]);
	});

	test("moves a cluster to another fleet", () => {
		const next = changed(start, delta({ fleets: [summary("europe", 3, 3)], clusters: [{ ...asia, fleet: "europe", number: 3 }] }));
		expect(next.fleets.map((fleet) => [fleet.name, fleet.clusters.length])).toEqual([["europe", 3]]);
	});

	test("forgets a cluster that is gone", () => {
		const next = changed(start, delta({ fleets: [summary("europe", 2, 2)], removed: ["a"] }));
		expect([...next.clusters.keys()]).toEqual(["bot-1", "bot-2"]);
	});
});

describe("values that no cluster reports", () => {
	const cases = {
		"one cluster of two reports it": { clusters: [clusterOf(1, { missing: ["guilds"] }), clusterOf(2)], missing: false },
		"none reports it": { clusters: [clusterOf(1, { missing: ["guilds"] })], missing: true },
		"the one that reports it is down": {
			clusters: [clusterOf(1, { missing: ["guilds"] }), clusterOf(2, { status: "down" })],
			missing: true,
		},
		"there is none": { clusters: [], missing: true },
	};
	for (const [name, { clusters, missing }] of Object.entries(cases))
		test(name, () => expect(missingOf(clusters).has("guilds")).toBe(missing));
	test("are not values of a roll-up", () => {
		expect(rollupValue(metricsOf({ guilds: 0 }), new Set(["guilds"]), "guilds")).toBeUndefined();
		expect(rollupValue(metricsOf(), new Set(["guilds"]), "shards_up")).toBe(2);
	});
});

describe("events", () => {
	const [first, second, third] = [eventOf(1, "joined", "a"), eventOf(2, "down", "a"), eventOf(3, "up", "a")];
	test("come newest first", () => expect(withEvents([first], [second, third])).toEqual([third, second, first]));
	test("are not told twice", () => expect(withEvents([second, first], [first, second, third])).toEqual([third, second, first]));
	test("stay the same list when there is nothing new", () => {
		const events = [first];
		expect(withEvents(events, [])).toBe(events);
	});
	test("are forgotten at some time", () => {
		const many = Array.from({ length: 600 }, (_, i) => eventOf(i, "up", `bot-${i}`));
		expect(withEvents([], many)).toHaveLength(500);
	});
});
