import { getCluster, getHistory } from "../api/client";
import type { HistoryPoint, Metrics } from "../api/types";
import { model } from "./app";
import { clusterOf, fleetOf } from "./model";

/** The least distance of two points, in milliseconds, and the most points: what the control plane keeps. */
const step = 15_000;
const mostPoints = 240;

/** One hour of something, oldest first; times in milliseconds since 1970. */
export interface Series {
	times: number[];
	points: Metrics[];
}

/** What a series is of: a cluster by fleet and number, a fleet, or all. */
export interface Subject {
	fleet?: string;
	number?: number;
}

/** A series with the values that are newer than its last point. */
export function extended(series: Series, at: number, metrics: Metrics | undefined): Series {
	const last = series.times.at(-1) ?? 0;
	if (!metrics || at - last < step) return series;
	return { times: [...series.times, at].slice(-mostPoints), points: [...series.points, metrics].slice(-mostPoints) };
}

export function seriesOf(history: readonly HistoryPoint[]): Series {
	return { times: history.map((point) => Date.parse(point.t)), points: history.map((point) => point.metrics) };
}

/** Reads the last hour of a subject. */
export async function readSeries(subject: Subject): Promise<Series> {
	const { fleet = "", number } = subject;
	return seriesOf(number === undefined ? await getHistory(fleet) : (await getCluster(fleet, number)).history);
}

/** What the model says of a subject now; undefined while nothing of it is up. */
export function latestOf(subject: Subject): { at: number; metrics: Metrics | undefined } {
	const known = model.value;
	if (!known) return { at: 0, metrics: undefined };
	if (subject.fleet === undefined) return { at: known.at, metrics: known.up > 0 ? known.global : undefined };
	if (subject.number === undefined) {
		const fleet = fleetOf(known, subject.fleet);
		return { at: known.at, metrics: fleet && fleet.clusters_up > 0 ? fleet.rollup : undefined };
	}
	const cluster = clusterOf(known, subject.fleet, subject.number);
	return { at: known.at, metrics: cluster?.status === "up" && cluster.values_at ? cluster.metrics : undefined };
}
