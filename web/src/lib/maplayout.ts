/** A labelled group of cells. */
export interface MapGroup {
	name: string;
	size: number;
}

/** Where the cells of a health map are, in CSS pixels. */
export interface MapLayout {
	/** Distance from one cell to the next; cells are a little smaller. */
	pitch: number;
	/** Side of a cell. */
	side: number;
	columns: number;
	height: number;
	/** For each group, where its label stands and where its cells begin. */
	groups: { labelY: number; top: number; first: number; size: number }[];
	labelled: boolean;
}

const largestPitch = 30;
const leastPitch = 5;
const groupGap = 10;
/** More groups than these are drawn in one flow, without labels. */
const mostLabels = 12;

/** What is left free between cells, in whole pixels. */
const gapOf = (pitch: number) => (pitch > 10 ? Math.max(3, Math.round(pitch / 12)) : pitch > 6 ? 2 : 1);

/**
 * Lays out cells as large as they can be without being higher than wanted. Whole pixels keep the cells sharp. Very many
 * cells make the map higher: they stay large enough to be told apart. On a wall, text and cells are larger by a factor.
 */
export function layoutMap(groups: readonly MapGroup[], width: number, wantedHeight: number, zoom = 1): MapLayout {
	const labelHeight = Math.round(22 * zoom);
	const labelled = groups.length > 1 && groups.length <= mostLabels;
	const blocks = labelled ? groups.map((group) => group.size) : [groups.reduce((sum, group) => sum + group.size, 0)];
	const fixed = labelled ? blocks.length * (labelHeight + groupGap) : 0;
	let pitch = Math.round(largestPitch * zoom ** 2);
	while (pitch > leastPitch && rowsOf(blocks, width, pitch) * pitch + fixed > wantedHeight) pitch--;
	const columns = columnsOf(width, pitch);
	const layout: MapLayout = { pitch, side: pitch - gapOf(pitch), columns, height: 0, groups: [], labelled };
	let y = 0;
	let first = 0;
	for (const size of blocks) {
		const top = y + (labelled ? labelHeight : 0);
		layout.groups.push({ labelY: y + labelHeight - Math.round(7 * zoom), top, first, size });
		y = top + Math.ceil(size / columns) * pitch + (labelled ? groupGap : 0);
		first += size;
	}
	layout.height = Math.max(y, 1);
	return layout;
}

const columnsOf = (width: number, pitch: number) => Math.max(1, Math.floor(width / pitch));

function rowsOf(blocks: readonly number[], width: number, pitch: number): number {
	return blocks.reduce((sum, size) => sum + Math.ceil(size / columnsOf(width, pitch)), 0);
}

/** Left and top of a cell, counted over all groups. */
export function cellAt(layout: MapLayout, index: number): { x: number; y: number } {
	const group = layout.groups.find((g) => index < g.first + g.size) ?? layout.groups.at(-1);
	const within = index - (group?.first ?? 0);
	return { x: (within % layout.columns) * layout.pitch, y: (group?.top ?? 0) + Math.floor(within / layout.columns) * layout.pitch };
}

/** The cell at a point, or -1. */
export function indexAt(layout: MapLayout, x: number, y: number): number {
	const column = Math.floor(x / layout.pitch);
	if (column < 0 || column >= layout.columns) return -1;
	for (const group of layout.groups) {
		const row = Math.floor((y - group.top) / layout.pitch);
		const within = row * layout.columns + column;
		if (row >= 0 && within < group.size && y < group.top + Math.ceil(group.size / layout.columns) * layout.pitch)
			return group.first + within;
	}
	return -1;
}

/** The cell that an arrow key leads to from another one. */
export function neighbour(layout: MapLayout, index: number, key: string): number {
	const total = layout.groups.reduce((sum, group) => sum + group.size, 0);
	const steps: Record<string, number> = {
		ArrowLeft: -1,
		ArrowRight: 1,
		ArrowUp: -layout.columns,
		ArrowDown: layout.columns,
		Home: -total,
		End: total,
	};
	return Math.min(Math.max(index + (steps[key] ?? 0), 0), total - 1);
}
