import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import { format, timeOfDay } from "../format";
import { zoom } from "../lib/zoom";
import type { Metric } from "../metrics";
import { shownTheme } from "../state/theme";
import { useWidth } from "./useWidth";

/** What a chart shows: a value over time, null where it is not known. */
export interface Curve {
	metric: Metric;
	/** In milliseconds since 1970. */
	times: readonly number[];
	values: readonly (number | null)[];
	/** Which time that is, in words: "over the last hour". */
	span: string;
}

/** A value over time, with its thresholds. It reads out the latest value, or the one under the pointer. */
export function Chart({ curve, label, tall = false }: { curve: Curve; label?: ComponentChildren; tall?: boolean }) {
	const readout = useRef<HTMLSpanElement>(null);
	const known = curve.values.filter((value) => value !== null).length;
	return (
		<figure class={`chart${tall ? " tall" : ""}`} data-metric={curve.metric.key}>
			<figcaption>
				<b>{label ?? curve.metric.label}</b> <span class="readout" ref={readout} />
			</figcaption>
			{known < 2 ? (
				<p class="chart-empty">{known === 0 ? "no data" : "waiting for the second point"}</p>
			) : (
				<Plot curve={curve} readout={readout} />
			)}
		</figure>
	);
}

function Plot({ curve, readout }: { curve: Curve; readout: { current: HTMLElement | null } }) {
	const { metric, times, values } = curve;
	const [box, width] = useWidth<HTMLDivElement>();
	const plot = useRef<uPlot | undefined>(undefined);
	const theme = shownTheme();
	const data = useMemo<uPlot.AlignedData>(() => [times.map((t) => t / 1000), [...values]], [times, values]);
	const latest = useRef(data);
	latest.current = data;
	const ready = width > 0;
	const size = zoom();
	const show = useMemo(
		() => (index: number | null | undefined) => {
			if (readout.current) readout.current.textContent = tell(metric, latest.current, index);
		},
		[metric, readout],
	);

	// biome-ignore lint/correctness/useExhaustiveDependencies: colours follow the theme and measures the size of text; the width is set below
	useEffect(() => {
		if (!box.current || !ready) return;
		const created = new uPlot(options(metric, box.current, show), latest.current, box.current);
		plot.current = created;
		show(undefined);
		return () => {
			plot.current = undefined;
			created.destroy();
		};
	}, [metric, theme, ready, size]);
	useEffect(() => {
		if (ready) plot.current?.setSize({ width, height: plot.current.height });
	}, [width, ready]);
	useEffect(() => {
		plot.current?.setData(data);
		if (plot.current) show(plot.current.cursor.idx);
	}, [data, show]);
	return <div class="plot" ref={box} role="img" aria-label={summary(curve)} />;
}

/** The value at a point and its time; without a point, the latest value. */
function tell(metric: Metric, data: uPlot.AlignedData, index: number | null | undefined): string {
	if (index === null || index === undefined) return format(metric.unit, data[1]?.at(-1) ?? undefined);
	const at = data[0][index];
	return at === undefined ? "" : `${format(metric.unit, data[1]?.[index] ?? undefined)} at ${timeOfDay(at * 1000)}`;
}

function summary({ metric, values, span }: Curve): string {
	const known = values.filter((value): value is number => value !== null);
	if (known.length === 0) return `${metric.label}: no data`;
	const [least, most] = [Math.min(...known), Math.max(...known)].map((value) => format(metric.unit, value));
	return `${metric.label} ${span}: from ${least} to ${most}, now ${format(metric.unit, known.at(-1))}`;
}

/** Steps of an axis of things that are counted: there are no halves of them. */
const wholeSteps = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

function options(metric: Metric, box: HTMLElement, show: (index: number | null | undefined) => void): uPlot.Options {
	const styles = getComputedStyle(box);
	const colour = (name: string) => styles.getPropertyValue(name).trim();
	const size = zoom();
	const font = `${11 * size}px ${styles.fontFamily}`;
	const axis = { stroke: colour("--muted"), font, grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false } };
	return {
		width: Math.max(box.clientWidth, 80),
		height: box.clientHeight,
		padding: [8 * size, 24 * size, 0, 0],
		legend: { show: false },
		cursor: { sync: { key: "argus" }, points: { size: 7 * size }, y: false, drag: { x: false, y: false } },
		scales: { y: { range: (_, low, high) => range(metric, low, high) } },
		axes: [
			{
				...axis,
				size: 26 * size,
				space: (_, __, from, to) => size * (to - from < finest ? 84 : 52),
				values: (_, splits) => splits.map(timeLabel(splits)),
			},
			{
				...axis,
				size: 62 * size,
				space: 28 * size,
				...(metric.unit === "count" && { incrs: wholeSteps }),
				values: (_, splits) => splits.map((value) => format(metric.unit, value)),
			},
		],
		series: [{}, { stroke: colour("--line"), fill: colour("--line-fill"), width: 1.5 * size, points: { show: false }, spanGaps: false }],
		hooks: {
			setCursor: [(plot) => show(plot.cursor.idx)],
			drawAxes: [(plot) => drawThresholds(plot, metric, colour("--cell-warn"), colour("--cell-bad"))],
		},
	};
}

/** A span of time, in seconds, below which an axis may tell seconds too, which takes more room. */
const finest = 600;

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
