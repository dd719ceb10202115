/**
 * Where a line of values runs in a box: the points of an SVG polyline; "" for fewer than two values. It goes from edge to
 * edge, or at the least from 0 to a value: then a small wobble stays one.
 */
export function sparkline(values: readonly number[], width: number, height: number, upTo?: number, padding = 2): string {
	const finite = values.filter(Number.isFinite);
	if (finite.length < 2) return "";
	const least = Math.min(...finite, ...(upTo === undefined ? [] : [0]));
	const span = Math.max(...finite, upTo ?? -Infinity) - least;
	const inner = height - 2 * padding;
	return finite
		.map((value, i) => {
			const x = padding + (i / (finite.length - 1)) * (width - 2 * padding);
			const y = span === 0 ? height / 2 : padding + inner - ((value - least) / span) * inner;
			return `${x.toFixed(1)},${y.toFixed(1)}`;
		})
		.join(" ");
}
