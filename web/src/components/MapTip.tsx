import type { Cluster } from "../api/types";
import { format } from "../format";
import type { Lens } from "../lib/cellcolour";
import { cellAt, type MapLayout } from "../lib/maplayout";
import { zoom } from "../lib/zoom";
import { faultsOf, metricOf, readingOf } from "../metrics";
import { StatusPill } from "./Quality";

/** In CSS pixels, at the usual size of text. */
const usualWidth = 240;

/** What the cell under the pointer is. */
export function MapTip(props: { cluster: Cluster; lens: Lens; layout: MapLayout; index: number; width: number }) {
	const { cluster, lens, layout, index, width } = props;
	const tipWidth = usualWidth * zoom();
	const { x, y } = cellAt(layout, index);
	const left = Math.max(0, Math.min(x - tipWidth / 2, width - tipWidth));
	const faults = faultsOf(cluster).filter((fault) => fault.key !== undefined || fault.text !== "down");
	return (
		<div class="tip" aria-hidden="true" style={{ left: `${left}px`, top: `${y + layout.pitch + 4}px`, width: `${tipWidth}px` }}>
			<b>
				{cluster.fleet} #{cluster.number}
			</b>{" "}
			<StatusPill status={cluster.status} />
			<div class="tip-identity">{cluster.identity}</div>
			{lens !== "health" && (
				<div>
					{metricOf(lens).label}: {format(metricOf(lens).unit, readingOf(cluster, lens))}
				</div>
			)}
			{lens === "health" &&
				faults.slice(0, 3).map((fault) => (
					<div key={fault.text} class={`q-${fault.quality}`}>
						{fault.text} {fault.key && format(metricOf(fault.key).unit, fault.value)}
					</div>
				))}
		</div>
	);
}
