/** Where a line of values runs in a box: the points of an SVG polyline; "" for fewer than two values. */
export function sparkline(values: readonly number[], width: number, height: number, padding = 2): string {
	const finite = values.filter(Number.isFinite);
	if (finite.length < 2) return "";
	const least = Math.min(...finite);
	const span = Math.max(...finite) - least;
	const inner = height - 2 * padding;
	return finite
		.map((value, i) => {
			const x = padding + (i / (finite.length - 1)) * (width - 2 * padding);
			const y = span === 0 ? height / 2 : padding + inner - ((value - least) / span) * inner;
			return `${x.toFixed(1)},${y.toFixed(1)}`;
		})
		.join(" ");
}
