import { compact, count } from "../format";
import { roundUp } from "../lib/roundup";
import { zoom } from "../lib/zoom";
import { useWidth } from "./useWidth";

/** Measures in CSS pixels at the usual size of text. */
const usual = { height: 220, foot: 22, head: 10, side: 48, label: 64 };

/** Days as bars. The same numbers are in the bars' titles and, for those who cannot see them, in a list. */
export function VolumeChart({ rows }: { rows: readonly [day: string, count: number][] }) {
	const [box, measured] = useWidth<HTMLDivElement>();
	const width = Math.max(measured, 200);
	const size = zoom();
	const [height, foot, head, side] = [usual.height, usual.foot, usual.head, usual.side].map((n) => n * size) as [
		number,
		number,
		number,
		number,
	];
	const most = roundUp(Math.max(...rows.map(([, n]) => n)));
	const step = (width - side) / Math.max(rows.length, 1);
	const every = Math.max(1, Math.ceil((usual.label * size) / step));
	const y = (part: number) => head + (height - foot - head) * (1 - part);
	return (
		<div ref={box}>
			<svg class="volume" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
				{[0.5, 1].map((part) => (
					<g key={part}>
						<line class="grid-line" x1={side} x2={width} y1={y(part)} y2={y(part)} />
						<text class="axis" x={side - 6} y={y(part) + 4} text-anchor="end">
							{compact(most * part)}
						</text>
					</g>
				))}
				{rows.map(([day, n], i) => (
					<g key={day}>
						<rect
							class="bar"
							x={side + i * step + step * 0.12}
							width={step * 0.76}
							y={y(n / most)}
							height={height - foot - y(n / most)}
							rx={2}
						>
							<title>{`${day}: ${count(n)}`}</title>
						</rect>
						{i % every === 0 && (
							<text class="axis" x={side + i * step + step / 2} y={height - 6} text-anchor="middle">
								{day.slice(5)}
							</text>
						)}
					</g>
				))}
			</svg>
			<ul class="unseen">
				{rows.map(([day, n]) => (
					<li key={day}>{`${day}: ${count(n)} interactions`}</li>
				))}
			</ul>
		</div>
	);
}
