import { useEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import { dash, format, timeOfDay } from "../format";
import type { Metric } from "../metrics";
import { shownTheme } from "../state/theme";
import { useWidth } from "./useWidth";

const height = 150;

/** A value over time, with its thresholds and a readout under the pointer. */
export function Chart({ metric, times, values }: { metric: Metric; times: readonly number[]; values: readonly (number | null)[] }) {
	const readout = useRef<HTMLSpanElement>(null);
	const known = values.filter((value) => value !== null).length;
	return (
		<figure class="chart" data-metric={metric.key}>
			<figcaption>
				<b>{metric.label}</b> <span class="readout" ref={readout} />
			</figcaption>
			{known < 2 ? (
				<p class="chart-empty">{known === 0 ? "no data" : "waiting for the second point"}</p>
			) : (
				<Plot metric={metric} times={times} values={values} readout={readout} />
			)}
		</figure>
	);
}

interface PlotProps {
	metric: Metric;
	times: readonly number[];
	values: readonly (number | null)[];
	readout: { current: HTMLElement | null };
}

function Plot({ metric, times, values, readout }: PlotProps) {
	const [box, width] = useWidth<HTMLDivElement>();
	const plot = useRef<uPlot | undefined>(undefined);
	const theme = shownTheme();
	const data = useMemo<uPlot.AlignedData>(() => [times.map((t) => t / 1000), [...values]], [times, values]);
	const latest = useRef(data);
	latest.current = data;
	const ready = width > 0;

	// biome-ignore lint/correctness/useExhaustiveDependencies: the colours follow the theme, the width is set below
	useEffect(() => {
		if (!box.current || !ready) return;
		const show = (index: number | null | undefined) => {
			if (readout.current) readout.current.textContent = tell(metric, latest.current, index);
		};
		const created = new uPlot(options(metric, box.current, show), latest.current, box.current);
		plot.current = created;
		return () => {
			plot.current = undefined;
			created.destroy();
		};
	}, [metric, theme, ready]);
	useEffect(() => {
		if (ready) plot.current?.setSize({ width, height });
	}, [width, ready]);
	useEffect(() => {
		plot.current?.setData(data);
	}, [data]);
	return <div class="plot" ref={box} role="img" aria-label={summary(metric, values)} />;
}

function tell(metric: Metric, data: uPlot.AlignedData, index: number | null | undefined): string {
	if (index === null || index === undefined) return "";
	const at = data[0][index];
	return at === undefined ? "" : `${format(metric.unit, data[1]?.[index] ?? undefined)} at ${timeOfDay(at * 1000)}`;
}

function summary(metric: Metric, values: readonly (number | null)[]): string {
	const known = values.filter((value): value is number => value !== null);
	if (known.length === 0) return `${metric.label}: no data`;
	const [least, most] = [Math.min(...known), Math.max(...known)].map((value) => format(metric.unit, value));
	return `${metric.label} over the last hour: from ${least} to ${most}, now ${format(metric.unit, known.at(-1)) || dash}`;
}

function options(metric: Metric, box: HTMLElement, show: (index: number | null | undefined) => void): uPlot.Options {
	const styles = getComputedStyle(box);
	const colour = (name: string) => styles.getPropertyValue(name).trim();
	const font = `11px ${styles.fontFamily}`;
	const axis = { stroke: colour("--muted"), font, grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false } };
	return {
		width: Math.max(box.clientWidth, 80),
		height,
		padding: [8, 8, 0, 0],
		legend: { show: false },
		cursor: { sync: { key: "argus" }, points: { size: 7 }, y: false, drag: { x: false, y: false } },
		scales: { y: { range: (_, low, high) => range(metric, low, high) } },
		axes: [
			{ ...axis, size: 26, space: 84, values: (_, splits) => splits.map(timeLabel(splits)) },
			{ ...axis, size: 62, space: 34, values: (_, splits) => splits.map((value) => format(metric.unit, value)) },
		],
		series: [{}, { stroke: colour("--line"), fill: colour("--line-fill"), width: 1.5, points: { show: false }, spanGaps: false }],
		hooks: {
			setCursor: [(plot) => show(plot.cursor.idx)],
			drawAxes: [(plot) => drawThresholds(plot, metric, colour("--cell-warn"), colour("--cell-bad"))],
		},
	};
}

/** Minutes, and seconds too where the axis is that fine. */
function timeLabel(splits: readonly number[]): (at: number) => string {
	const fine = splits.some((at) => at % 60 !== 0);
	return (at) => timeOfDay(at * 1000).slice(0, fine ? 8 : 5);
}

/** From zero where thresholds judge a value, so that a small wobble does not look like a disaster; close around it elsewhere. */
function range(metric: Metric, low: number | null, high: number | null): [number, number] {
	if (low === null || high === null) return [0, 1];
	if (metric.warn !== undefined) return [0, Math.max(high * 1.15, metric.warn * 0.5)];
	const margin = (high - low) * 0.15 || Math.max(Math.abs(high) * 0.05, 1e-3);
	return [Math.max(0, low - margin), high + margin];
}

function drawThresholds(plot: uPlot, metric: Metric, warn: string, bad: string): void {
	const { ctx, bbox } = plot;
	for (const [value, colour] of [
		[metric.warn, warn],
		[metric.bad, bad],
	] as const) {
		if (value === undefined || value > (plot.scales["y"]?.max ?? 0)) continue;
		const y = Math.round(plot.valToPos(value, "y", true));
		ctx.save();
		ctx.strokeStyle = colour;
		ctx.setLineDash([4, 4]);
		ctx.beginPath();
		ctx.moveTo(bbox.left, y);
		ctx.lineTo(bbox.left + bbox.width, y);
		ctx.stroke();
		ctx.restore();
	}
}
