import { describe, expect, test } from "vitest";
import { clusterOf, metricsOf } from "../fixtures";
import { shadesOf, tally } from "./cellcolour";
import { cellAt, indexAt, layoutMap, neighbour } from "./maplayout";
import { filtered, type Order, ordered, orderOf, rank } from "./order";
import { sparkline } from "./path";
import { visibleRows } from "./virtual";

describe("the map's layout", () => {
	const cases: Record<string, { sizes: number[]; width: number; height: number }> = {
		"one cluster": { sizes: [1], width: 300, height: 300 },
		"a few fleets on a phone": { sizes: [12, 40, 3], width: 312, height: 320 },
		"five thousand clusters of five fleets": { sizes: [1000, 1000, 1000, 1000, 1000], width: 850, height: 340 },
		"five thousand on a phone": { sizes: [5000], width: 312, height: 320 },
		"five hundred fleets": { sizes: Array.from({ length: 500 }, () => 10), width: 1600, height: 900 },
		nothing: { sizes: [], width: 300, height: 300 },
	};
	for (const [name, { sizes, width, height }] of Object.entries(cases)) {
		test(`${name}: every cell is inside, apart from the others, and found by its place`, () => {
			const groups = sizes.map((size, i) => ({ name: `fleet ${i}`, size }));
			const layout = layoutMap(groups, width, height);
			const total = sizes.reduce((sum, size) => sum + size, 0);
			const places = new Set<string>();
			for (let i = 0; i < total; i++) {
				const { x, y } = cellAt(layout, i);
				places.add(`${x} ${y}`);
				expect(x + layout.side).toBeLessThanOrEqual(width);
				expect(y + layout.side).toBeLessThanOrEqual(layout.height);
				expect(indexAt(layout, x + layout.side / 2, y + layout.side / 2)).toBe(i);
			}
			expect(places.size).toBe(total);
			expect(indexAt(layout, -1, 0)).toBe(-1);
			expect(indexAt(layout, 5, layout.height + 100)).toBe(-1);
		});
	}
	test("cells are as large as they can be, and never too small to see", () => {
		expect(layoutMap([{ name: "a", size: 10 }], 300, 300).pitch).toBe(30);
		expect(layoutMap([{ name: "a", size: 5000 }], 300, 300).pitch).toBe(5);
	});
	test("arrow keys move, and stop at the ends", () => {
		const layout = layoutMap([{ name: "a", size: 25 }], 300, 300);
		expect([neighbour(layout, 0, "ArrowRight"), neighbour(layout, 0, "ArrowDown"), neighbour(layout, 24, "ArrowRight")]).toEqual([
			1, 10, 24,
		]);
		expect([neighbour(layout, 13, "Home"), neighbour(layout, 13, "End"), neighbour(layout, -1, "ArrowRight")]).toEqual([0, 24, 0]);
	});
});

describe("the map's colours", () => {
	test("health: down, bad, warning, no data and good are five things", () => {
		const { values_at: _, ...silent } = clusterOf(4);
		const clusters = [
			clusterOf(1, { status: "down" }),
			clusterOf(2, { metrics: metricsOf({ error_rate: 0.2 }) }),
			clusterOf(3, { metrics: metricsOf({ latency_seconds: 0.5 }) }),
			silent,
			clusterOf(5),
		];
		expect(shadesOf(clusters, "health")).toEqual(["down", "bad", "warn", "unknown", "good"]);
		expect(tally(shadesOf(clusters, "health")).get("down")).toBe(1);
	});
	test("a value without thresholds is shown from least to most", () => {
		const clusters = [0, 10, 100].map((guilds, i) => clusterOf(i, { metrics: metricsOf({ guilds }) }));
		expect(shadesOf(clusters, "guilds")).toEqual(["level0", "level0", "level4"]);
		expect(shadesOf(clusters.slice(0, 1), "guilds")).toEqual(["level2"]);
	});
	test("a value that is not known has no colour of its own", () => {
		expect(shadesOf([clusterOf(1, { missing: ["error_rate"] })], "error_rate")).toEqual(["unknown"]);
	});
});

describe("the table's order", () => {
	const clusters = [
		clusterOf(1, { identity: "bot-10", metrics: metricsOf({ guilds: 5 }) }),
		clusterOf(2, { identity: "bot-9", metrics: metricsOf({ guilds: 50 }), status: "down" }),
		clusterOf(3, { identity: "Bot-1", missing: ["guilds"] }),
	];
	const numbers = (order: Order) => ordered(clusters, order).map((cluster) => cluster.number);
	test("by number", () => expect(numbers(orderOf(null))).toEqual([1, 2, 3]));
	test("by number, turned around", () => expect(numbers(orderOf("-number"))).toEqual([3, 2, 1]));
	test("numbers in identities count as numbers", () => expect(numbers(orderOf("identity"))).toEqual([3, 2, 1]));
	test("what has no value is last either way", () => {
		expect(numbers(orderOf("guilds"))).toEqual([1, 2, 3]);
		expect(numbers(orderOf("-guilds"))).toEqual([2, 1, 3]);
	});
	test("by status the worst is first", () => expect(numbers(orderOf("status"))).toEqual([2, 1, 3]));
	test("an order that does not exist is the usual one", () =>
		expect(orderOf("-nonsense")).toEqual({ column: "number", descending: false }));
});

describe("the table's filter", () => {
	const clusters = [
		clusterOf(1),
		clusterOf(12, { status: "down", version: "0.5.0" }),
		clusterOf(21, { metrics: metricsOf({ error_rate: 1 }) }),
	];
	const cases: Record<string, { text: string; show: Parameters<typeof filtered>[2]; want: number[] }> = {
		"nothing typed": { text: "", show: "all", want: [1, 12, 21] },
		"a part of an identity, in any case": { text: "BOT-1", show: "all", want: [1, 12] },
		"a number": { text: "#12", show: "all", want: [12] },
		"the beginning of a number": { text: "#1", show: "all", want: [1, 12] },
		"a version": { text: "0.5", show: "all", want: [12] },
		"all words must fit": { text: "bot 0.5", show: "all", want: [12] },
		"those that are down": { text: "", show: "down", want: [12] },
		"those that are up": { text: "", show: "up", want: [1, 21] },
		"those with problems": { text: "", show: "problems", want: [12, 21] },
	};
	for (const [name, { text, show, want }] of Object.entries(cases))
		test(name, () => expect(filtered(clusters, text, show).map((cluster) => cluster.number)).toEqual(want));
	test("what is down ranks before everything", () => expect(clusters.map(rank)).toEqual([3, -1, 0]));
});

describe("rows in the document", () => {
	test("a short table is there as a whole", () => expect(visibleRows(150, 40, 0, 800)).toEqual({ first: 0, last: 150 }));
	test("a long one only around what can be seen", () => expect(visibleRows(5000, 40, 4000, 800)).toEqual({ first: 88, last: 132 }));
	test("never beyond its ends", () => {
		expect(visibleRows(5000, 40, -500, 800).first).toBe(0);
		expect(visibleRows(5000, 40, 10_000_000, 800)).toEqual({ first: 5000, last: 5000 });
	});
});

describe("a sparkline", () => {
	test("goes from edge to edge", () => expect(sparkline([0, 1], 160, 36)).toBe("2.0,34.0 158.0,2.0"));
	test("of a judged value goes from 0 to half its warning at the least", () => {
		expect(sparkline([1, 1.1], 160, 36, 4)).toBe("2.0,26.0 158.0,25.2");
		expect(sparkline([0, 8], 160, 36, 4)).toBe("2.0,34.0 158.0,2.0");
	});
	test("is level when the values are", () => expect(sparkline([5, 5], 160, 36)).toBe("2.0,18.0 158.0,18.0"));
	test("is nothing for fewer than two values", () =>
		expect([sparkline([], 9, 9), sparkline([1], 9, 9), sparkline([Number.NaN, 1], 9, 9)]).toEqual(["", "", ""]));
});
