import type { Cluster, MetricKey } from "../api/types";
import { healthOf, metricOf, qualityOf, readingOf } from "../metrics";

/** What a map shows: how healthy clusters are, or one of their values. */
export type Lens = "health" | MetricKey;

/** How a cell is drawn: down, a judgement, no value, or one of five levels of a value that is not judged. */
export type Shade = "down" | "bad" | "warn" | "good" | "unknown" | "level0" | "level1" | "level2" | "level3" | "level4";

/** The shades of clusters, in their order. */
export function shadesOf(clusters: readonly Cluster[], lens: Lens): Shade[] {
	if (lens === "health") return clusters.map(healthShade);
	const metric = metricOf(lens);
	const values = clusters.map((cluster) => (cluster.status === "up" ? readingOf(cluster, lens) : undefined));
	const level = metric.warn === undefined ? levels(values) : undefined;
	return clusters.map((cluster, i) => {
		if (cluster.status === "down") return "down";
		const value = values[i];
		if (value === undefined) return "unknown";
		const quality = qualityOf(metric, value);
		return level ? level(value) : quality === "neutral" ? "unknown" : quality;
	});
}

function healthShade(cluster: Cluster): Shade {
	if (cluster.status === "down") return "down";
	if (!cluster.values_at) return "unknown";
	const quality = healthOf(cluster);
	return quality === "neutral" ? "good" : quality;
}

/** Divides the span of the values into five levels. */
function levels(values: readonly (number | undefined)[]): (value: number) => Shade {
	let least = Number.POSITIVE_INFINITY;
	let most = Number.NEGATIVE_INFINITY;
	for (const value of values) {
		if (value === undefined) continue;
		least = Math.min(least, value);
		most = Math.max(most, value);
	}
	const names: Shade[] = ["level0", "level1", "level2", "level3", "level4"];
	return (value) => names[most > least ? Math.min(4, Math.floor((5 * (value - least)) / (most - least))) : 2] ?? "level2";
}

/** How many clusters there are of each shade. */
export function tally(shades: readonly Shade[]): Map<Shade, number> {
	const counts = new Map<Shade, number>();
	for (const shade of shades) counts.set(shade, (counts.get(shade) ?? 0) + 1);
	return counts;
}
