import { useMemo } from "preact/hooks";
import type { MetricKey } from "../api/types";
import { type Metric, metricOf } from "../metrics";
import type { Series } from "../state/history";
import { Chart } from "./Chart";

const charted: MetricKey[] = ["latency_seconds", "error_rate", "duration_p95_seconds", "interactions_rate", "guilds", "ratelimits_rate"];

/** An hour of the values that move. A value that is not known now has no line: its zeros in the history mean nothing. */
export function Charts({ series, known }: { series: Series | undefined; known: (key: MetricKey) => boolean }) {
	if (!series) return <p class="muted">Reading the last hour…</p>;
	return (
		<div class="charts">
			{charted.map((key) => (
				<MetricChart key={key} metric={metricOf(key)} series={series} known={known(key)} />
			))}
		</div>
	);
}

function MetricChart({ metric, series, known }: { metric: Metric; series: Series; known: boolean }) {
	const values = useMemo(() => {
		const all = series.points.map((point) => point[metric.key]);
		return known || all.some((value) => value !== 0) ? withGaps(series.times, all) : { times: [], values: [] };
	}, [series, metric, known]);
	return <Chart metric={metric} times={values.times} values={values.values} />;
}

/** Points that are this far apart, in milliseconds, are not joined by a line: nothing is known of the time between them. */
const gap = 90_000;

/** Puts a hole where points are missing, such as while a cluster was down. */
export function withGaps(times: readonly number[], values: readonly number[]): { times: number[]; values: (number | null)[] } {
	const out: { times: number[]; values: (number | null)[] } = { times: [], values: [] };
	times.forEach((t, i) => {
		const before = times[i - 1];
		if (before !== undefined && t - before > gap) {
			out.times.push(before + 1000);
			out.values.push(null);
		}
		out.times.push(t);
		out.values.push(values[i] ?? null);
	});
	return out;
}
