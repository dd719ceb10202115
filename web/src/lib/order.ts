import type { Cluster } from "../api/types";
import { healthOf, type Metric, metrics, type Quality, readingOf } from "../metrics";

/** What a table of clusters can be ordered by. */
export type Column = "status" | "number" | "identity" | "shards" | "seen" | Metric["key"];

/** An order: a column, and whether it is turned around. */
export interface Order {
	column: Column;
	descending: boolean;
}

/** Which clusters are listed. */
export type Show = "all" | "up" | "down" | "problems";

const worst: Record<Quality, number> = { bad: 0, warn: 1, unknown: 2, neutral: 3, good: 3 };

/** Ranks what is wrong first: down, bad, warning, no data, good. */
export function rank(cluster: Cluster): number {
	if (cluster.status === "down") return -1;
	return cluster.values_at ? worst[healthOf(cluster)] : worst.unknown;
}

function keyOf(cluster: Cluster, column: Column): number | string | undefined {
	switch (column) {
		case "status":
			return rank(cluster);
		case "number":
			return cluster.number;
		case "identity":
			return cluster.identity;
		case "shards":
			return readingOf(cluster, "shards_up");
		case "seen":
			return Date.parse(cluster.last_seen);
		default:
			return readingOf(cluster, column);
	}
}

const collator = new Intl.Collator("en", { numeric: true });

/** The clusters in an order. Those without a value come last either way, and equal ones by number. */
export function ordered(clusters: readonly Cluster[], order: Order): Cluster[] {
	const sign = order.descending ? -1 : 1;
	return clusters
		.map((cluster) => ({ cluster, key: keyOf(cluster, order.column) }))
		.sort((a, b) => compare(a.key, b.key, sign) || a.cluster.number - b.cluster.number)
		.map(({ cluster }) => cluster);
}

function compare(a: number | string | undefined, b: number | string | undefined, sign: number): number {
	if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
	if (typeof a === "string" || typeof b === "string") return sign * collator.compare(String(a), String(b));
	return sign * (a - b);
}

/** The clusters that are to be shown and whose identity, number or version a text is part of. */
export function filtered(clusters: readonly Cluster[], text: string, show: Show): Cluster[] {
	const words = text.toLowerCase().split(/\s+/).filter(Boolean);
	return clusters.filter((cluster) => shown(cluster, show) && words.every((word) => matches(cluster, word)));
}

function shown(cluster: Cluster, show: Show): boolean {
	if (show === "all") return true;
	return show === "problems" ? rank(cluster) < worst.unknown : cluster.status === show;
}

function matches(cluster: Cluster, word: string): boolean {
	if (word.startsWith("#")) return `#${cluster.number}`.startsWith(word);
	return cluster.identity.toLowerCase().includes(word) || String(cluster.number) === word || cluster.version.toLowerCase().includes(word);
}

/** The order that an address names: a column, with "-" in front of it when it is turned around. */
export function orderOf(text: string | null): Order {
	const column = (text ?? "").replace(/^-/, "");
	const known: string[] = ["status", "number", "identity", "shards", "seen", ...metrics.map((metric) => metric.key)];
	if (!known.includes(column)) return { column: "number", descending: false };
	return { column: column as Column, descending: text?.startsWith("-") ?? false };
}
