/** Rows first to last (exclusive) that are to be in the document. */
export interface Span {
	first: number;
	last: number;
}

/** Tables up to this long are in the document as a whole, so that the browser's own search finds everything. */
const wholeUpTo = 150;

/** Rows beyond the edges that are kept ready, so that scrolling shows no blank. */
const spare = 12;

/**
 * The rows that are near what can be seen: top is how far the window's upper edge is below the first row, in pixels, and
 * height how high the window is.
 */
export function visibleRows(total: number, rowHeight: number, top: number, height: number): Span {
	if (total <= wholeUpTo) return { first: 0, last: total };
	const first = Math.max(0, Math.min(total, Math.floor(top / rowHeight) - spare));
	const last = Math.max(first, Math.min(total, Math.ceil((top + height) / rowHeight) + spare));
	return { first, last };
}
