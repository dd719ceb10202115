import type { Shade } from "../lib/cellcolour";
import { cellAt, type MapLayout } from "../lib/maplayout";

/** Draws the cells, those of one shade after the other: changing colours is what costs. */
export function drawMap(
	canvas: HTMLCanvasElement,
	layout: MapLayout,
	shades: readonly Shade[],
	names: readonly string[],
	width: number,
	chosen: number,
): void {
	const scale = devicePixelRatio || 1;
	resize(canvas, width, layout.height, scale);
	const context = canvas.getContext("2d");
	if (!context) return;
	const styles = getComputedStyle(canvas);
	const colour = (name: string) => styles.getPropertyValue(name).trim();
	context.setTransform(scale, 0, 0, scale, 0, 0);
	context.clearRect(0, 0, width, layout.height);
	for (const [shade, cells] of byShade(shades)) {
		context.fillStyle = colour(`--cell-${shade}`);
		for (const index of cells) {
			const { x, y } = cellAt(layout, index);
			context.fillRect(x, y, layout.side, layout.side);
		}
		if (shade === "down" && layout.side >= 7) crossOut(context, layout, cells, colour("--cell-cross"));
	}
	if (layout.labelled) drawLabels(context, layout, names, `600 ${styles.fontSize} ${styles.fontFamily}`, colour("--muted"));
	if (chosen >= 0) {
		const { x, y } = cellAt(layout, chosen);
		context.strokeStyle = colour("--text");
		context.lineWidth = 2;
		context.strokeRect(x - 1, y - 1, layout.side + 2, layout.side + 2);
	}
}

function resize(canvas: HTMLCanvasElement, width: number, height: number, scale: number): void {
	const wide = Math.round(width * scale);
	const high = Math.round(height * scale);
	if (canvas.width === wide && canvas.height === high) return;
	canvas.width = wide;
	canvas.height = high;
	canvas.style.width = `${width}px`;
	canvas.style.height = `${height}px`;
}

function byShade(shades: readonly Shade[]): Map<Shade, number[]> {
	const groups = new Map<Shade, number[]>();
	shades.forEach((shade, index) => {
		const group = groups.get(shade);
		if (group) group.push(index);
		else groups.set(shade, [index]);
	});
	return groups;
}

/** A cross tells a cluster that is down from one with a bad value, without colour. */
function crossOut(context: CanvasRenderingContext2D, layout: MapLayout, cells: readonly number[], colour: string): void {
	const inset = Math.max(2, layout.side * 0.26);
	context.strokeStyle = colour;
	context.lineWidth = Math.max(1.2, layout.side / 11);
	context.beginPath();
	for (const index of cells) {
		const { x, y } = cellAt(layout, index);
		context.moveTo(x + inset, y + inset);
		context.lineTo(x + layout.side - inset, y + layout.side - inset);
		context.moveTo(x + layout.side - inset, y + inset);
		context.lineTo(x + inset, y + layout.side - inset);
	}
	context.stroke();
}

function drawLabels(context: CanvasRenderingContext2D, layout: MapLayout, names: readonly string[], font: string, colour: string): void {
	context.font = font;
	context.fillStyle = colour;
	layout.groups.forEach((group, i) => {
		context.fillText(names[i] ?? "", 0, group.labelY);
	});
}
