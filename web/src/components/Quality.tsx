import type { MetricKey, Status } from "../api/types";
import { dash, format, plural } from "../format";
import { type Metric, type Quality, qualityOf } from "../metrics";

const marks: Record<Quality, { mark: string; word: string }> = {
	good: { mark: "", word: "" },
	neutral: { mark: "", word: "" },
	unknown: { mark: "", word: "no data" },
	warn: { mark: "▲", word: "warning" },
	bad: { mark: "✖", word: "bad" },
};

/** A value with its judgement, told by a mark and a word as well as by colour. */
export function Value({ metric, value }: { metric: Metric; value: number | undefined }) {
	const quality = qualityOf(metric, value);
	const { mark, word } = marks[quality];
	if (quality === "unknown") return <NoData />;
	return (
		<span class={`value q-${quality}`}>
			{mark && (
				<span class="mark" aria-hidden="true">
					{mark}
				</span>
			)}
			{format(metric.unit, value)}
			{word && <span class="unseen"> ({word})</span>}
		</span>
	);
}

/** What stands where there is no value. */
export function NoData() {
	return (
		<span class="value q-unknown" title="no data">
			<span aria-hidden="true">{dash}</span>
			<span class="unseen">no data</span>
		</span>
	);
}

/** "up" or "down". */
export function StatusPill({ status }: { status: Status }) {
	return <span class={`pill ${status === "up" ? "q-good" : "q-bad"}`}>{status === "up" ? "Up" : "Down"}</span>;
}

/** How many of some clusters are up. None at all is neither good nor bad. */
export function UpPill({ up, total }: { up: number; total: number }) {
	return (
		<span class={`pill q-${upQuality(up, total)}`} title={total - up > 0 ? `${plural(total - up, "cluster")} down` : undefined}>
			{up.toLocaleString("en")}/{total.toLocaleString("en")} up
		</span>
	);
}

export function upQuality(up: number, total: number): Quality {
	if (total === 0) return "unknown";
	if (up === total) return "good";
	return up === 0 ? "bad" : "warn";
}

/** A function from a metric to a cluster's or a roll-up's value. */
export type ValueReader = (key: MetricKey) => number | undefined;
