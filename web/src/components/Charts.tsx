import { useMemo } from "preact/hooks";
import type { MetricKey } from "../api/types";
import { gapped } from "../lib/gaps";
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
		return known || all.some((value) => value !== 0) ? gapped(series.times, all) : { times: [], values: [] };
	}, [series, metric, known]);
	return <Chart curve={{ metric, ...values, span: "over the last hour" }} />;
}
