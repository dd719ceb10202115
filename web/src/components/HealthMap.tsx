import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Cluster } from "../api/types";
import { count, format } from "../format";
import { type Lens, type Shade, shadesOf, tally } from "../lib/cellcolour";
import { indexAt, layoutMap, neighbour } from "../lib/maplayout";
import { zoom } from "../lib/zoom";
import { metricOf, metrics, readingOf } from "../metrics";
import { go, look } from "../state/route";
import { shownTheme } from "../state/theme";
import { drawMap } from "./drawMap";
import { MapTip } from "./MapTip";
import { useWidth } from "./useWidth";

/** Clusters of one fleet. */
export interface Group {
	name: string;
	clusters: readonly Cluster[];
}

/** One cell for each cluster. It is a picture: the tables and lists beside it tell the same to those who cannot see it. */
export function HealthMap({ groups, lens }: { groups: readonly Group[]; lens: Lens }) {
	const [box, width] = useWidth<HTMLDivElement>();
	const canvas = useRef<HTMLCanvasElement>(null);
	const [chosen, choose] = useState(-1);
	const clusters = useMemo(() => groups.flatMap((group) => group.clusters), [groups]);
	const shades = useMemo(() => shadesOf(clusters, lens), [clusters, lens]);
	const sizes = groups.map((group) => `${group.name}\n${group.clusters.length}`).join("\n");
	// biome-ignore lint/correctness/useExhaustiveDependencies: sizes is all that the layout depends on, and moves less often than groups
	const layout = useMemo(
		() =>
			layoutMap(
				groups.map((group) => ({ name: group.name, size: group.clusters.length })),
				width,
				wantedHeight(),
				zoom(),
			),
		[sizes, width],
	);
	const names = groups.map((group) => group.name);
	const theme = shownTheme();
	// biome-ignore lint/correctness/useExhaustiveDependencies: the colours that are drawn follow the theme
	useEffect(() => {
		if (canvas.current && width > 0) drawMap(canvas.current, layout, shades, names, width, chosen);
	}, [layout, shades, width, chosen, theme]);

	const open = (cluster: Cluster | undefined) => cluster && go({ screen: "cluster", fleet: cluster.fleet, number: cluster.number });
	const pick = (event: MouseEvent) => {
		const area = (event.currentTarget as HTMLElement).getBoundingClientRect();
		return indexAt(layout, event.clientX - area.left, event.clientY - area.top);
	};
	const onKey = (event: KeyboardEvent) => {
		if (!/^(Arrow|Home$|End$)/.test(event.key)) return;
		event.preventDefault();
		choose(neighbour(layout, chosen, event.key));
	};
	const current = clusters[chosen];
	return (
		<div class="map" ref={box}>
			<div class="map-cells">
				<button
					type="button"
					aria-label={`Map of clusters: ${summary(shades)}. Arrow keys move from cell to cell, Enter opens.`}
					onKeyDown={onKey}
					onBlur={() => choose(-1)}
					onPointerMove={(event) => choose(pick(event))}
					onPointerLeave={() => choose(-1)}
					onClick={(event) => open(clusters[event.detail === 0 ? chosen : pick(event)])}
					style={{ cursor: current ? "pointer" : "default" }}
				>
					<canvas ref={canvas} />
				</button>
				{current && <MapTip cluster={current} lens={lens} layout={layout} index={chosen} width={width} />}
				<span class="unseen" aria-live="polite">
					{current && describe(current, lens)}
				</span>
			</div>
			<Legend shades={shades} lens={lens} clusters={clusters} />
		</div>
	);
}

const wantedHeight = () => Math.max(220, Math.round(innerHeight * 0.42));

function describe(cluster: Cluster, lens: Lens): string {
	const value = lens === "health" ? "" : ` ${metricOf(lens).label} ${format(metricOf(lens).unit, readingOf(cluster, lens))}`;
	return `${cluster.fleet} #${cluster.number} ${cluster.identity} ${cluster.status}${value}`;
}

const words: [Shade, string][] = [
	["down", "down"],
	["bad", "bad"],
	["warn", "warning"],
	["good", "good"],
	["unknown", "no data"],
];

function summary(shades: readonly Shade[]): string {
	const counts = tally(shades);
	const parts = words.filter(([shade]) => counts.has(shade)).map(([shade, word]) => `${count(counts.get(shade) ?? 0)} ${word}`);
	return parts.join(", ") || "values from low to high";
}

function Legend({ shades, lens, clusters }: { shades: readonly Shade[]; lens: Lens; clusters: readonly Cluster[] }) {
	const counts = tally(shades);
	const levelled = lens !== "health" && metricOf(lens).warn === undefined;
	return (
		<ul class="legend">
			{words.map(
				([shade, word]) =>
					(counts.get(shade) ?? 0) > 0 && (
						<li key={shade}>
							<i class={`swatch s-${shade}`} /> {count(counts.get(shade) ?? 0)} {word}
						</li>
					),
			)}
			{levelled && <Scale lens={lens} clusters={clusters} />}
		</ul>
	);
}

function Scale({ lens, clusters }: { lens: Exclude<Lens, "health">; clusters: readonly Cluster[] }) {
	const values = clusters.flatMap((cluster) => (cluster.status === "up" ? (readingOf(cluster, lens) ?? []) : []));
	if (values.length === 0) return null;
	const { unit } = metricOf(lens);
	const [least, most] = values.reduce(
		([low, high], value) => [Math.min(low, value), Math.max(high, value)],
		[values[0] ?? 0, values[0] ?? 0],
	);
	return (
		<li class="scale">
			{format(unit, least)}
			{[0, 1, 2, 3, 4].map((level) => (
				<i class={`swatch s-level${level}`} key={level} />
			))}
			{format(unit, most)}
		</li>
	);
}

/** Chooses what the cells' colours mean; the choice stands in the address. */
export function LensPicker({ lens }: { lens: Lens }) {
	return (
		<label class="lens">
			<span>Colour by</span>
			<select value={lens} onChange={(event) => look({ by: event.currentTarget.value === "health" ? "" : event.currentTarget.value })}>
				<option value="health">Health</option>
				{metrics.map((metric) => (
					<option value={metric.key} key={metric.key}>
						{metric.label}
					</option>
				))}
			</select>
		</label>
	);
}

/** The lens that an address names. */
export function lensOf(query: URLSearchParams): Lens {
	return metrics.find((metric) => metric.key === query.get("by"))?.key ?? "health";
}
