import { format } from "../format";
import { sparkline } from "../lib/path";
import { type Metric, metrics } from "../metrics";
import type { Series } from "../state/history";
import { Value, type ValueReader } from "./Quality";

/** The nine values as cards, with how they went where that is known. */
export function Cards({ read, series, thresholds = false }: { read: ValueReader; series?: Series | undefined; thresholds?: boolean }) {
	return (
		<dl class="cards">
			{metrics.map((metric) => (
				<div class="card" key={metric.key} data-metric={metric.key}>
					<dt title={metric.help}>{metric.label}</dt>
					<dd>
						<Value metric={metric} value={read(metric.key)} />
						{read(metric.key) !== undefined && <Trend metric={metric} series={series} />}
						{thresholds && <Thresholds metric={metric} />}
					</dd>
				</div>
			))}
		</dl>
	);
}

/** From where on a value is judged. */
export function Thresholds({ metric }: { metric: Metric }) {
	if (metric.warn === undefined || metric.bad === undefined) return null;
	return (
		<span class="thresholds">
			<span>warns at {format(metric.unit, metric.warn)},</span> <span>bad at {format(metric.unit, metric.bad)}</span>
		</span>
	);
}

function Trend({ metric, series }: { metric: Metric; series: Series | undefined }) {
	if (metric.key === "uptime_seconds") return null;
	const judged = metric.warn === undefined ? {} : { upTo: metric.warn / 2 };
	return <Sparkline values={series?.points.map((point) => point[metric.key]) ?? []} {...judged} />;
}

/** A line without axes. What it shows is told elsewhere in words. */
export function Sparkline({ values, upTo }: { values: readonly number[]; upTo?: number }) {
	const points = sparkline(values, 160, 32, upTo);
	return (
		<svg class="sparkline" viewBox="0 0 160 32" preserveAspectRatio="none" aria-hidden="true" focusable="false">
			{points && <polyline points={points} />}
		</svg>
	);
}
