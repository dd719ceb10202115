import { Component } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Cluster } from "../api/types";
import { age, count } from "../format";
import { type Column, type Order, rank } from "../lib/order";
import { type Span, visibleRows } from "../lib/virtual";
import { zoom } from "../lib/zoom";
import { metricOf, readingOf } from "../metrics";
import { href } from "../router";
import { secondsSince } from "../state/now";
import { look } from "../state/route";
import { NoData, StatusPill, Value } from "./Quality";

/** Height of a row in CSS pixels, as the style sheet has it. */
const rowHeight = () => Math.round(40 * zoom());

const columns: { column: Column; label: string; kind: string }[] = [
	{ column: "status", label: "Status", kind: "c-status" },
	{ column: "number", label: "No.", kind: "c-number num" },
	{ column: "identity", label: "Identity", kind: "c-identity" },
	{ column: "shards", label: "Shards", kind: "c-shards num" },
	{ column: "guilds", label: "Guilds", kind: "c-guilds num" },
	{ column: "latency_seconds", label: "Latency", kind: "c-latency num" },
	{ column: "error_rate", label: "Errors", kind: "c-errors num" },
	{ column: "duration_p95_seconds", label: "p95", kind: "c-p95 num" },
	{ column: "uptime_seconds", label: "Uptime", kind: "c-uptime num" },
	{ column: "seen", label: "Last seen", kind: "c-seen num" },
];

/** A table of any length: only the rows that can be seen are in the document. It scrolls with the page. */
export function ClusterTable({ clusters, order, label }: { clusters: readonly Cluster[]; order: Order; label: string }) {
	const body = useRef<HTMLTableSectionElement>(null);
	const span = useVisible(body, clusters.length);
	const [current, setCurrent] = useState("");
	const rows = clusters.slice(span.first, span.last);
	const tabbable = rows.some((cluster) => cluster.identity === current) ? current : rows[0]?.identity;

	const onKey = (event: KeyboardEvent) => {
		const link = (event.target as HTMLElement).closest<HTMLElement>("tr[data-index]");
		const next = link && target(Number(link.dataset["index"]), event.key, clusters.length);
		if (next === undefined || next === null) return;
		event.preventDefault();
		focusRow(body.current, next, (index) => setCurrent(clusters[index]?.identity ?? ""));
	};
	return (
		<table class="clusters" aria-rowcount={clusters.length + 1} aria-label={label}>
			<thead>
				<tr aria-rowindex={1}>
					{columns.map((c) => (
						<Heading key={c.column} {...c} order={order} />
					))}
				</tr>
			</thead>
			<tbody ref={body} onKeyDown={onKey}>
				<Spacer rows={span.first} />
				{rows.map((cluster, i) => (
					<Row key={cluster.identity} cluster={cluster} index={span.first + i} tabbable={cluster.identity === tabbable} />
				))}
				<Spacer rows={clusters.length - span.last} />
			</tbody>
		</table>
	);
}

function Spacer({ rows }: { rows: number }) {
	return rows > 0 ? <tr class="spacer" style={{ height: `${rows * rowHeight()}px` }} /> : null;
}

function Heading({ column, label, kind, order }: { column: Column; label: string; kind: string; order: Order }) {
	const sorted = order.column === column;
	// Numbers are most telling from the largest down, names and numbers from the first up.
	const first = column === "status" || column === "number" || column === "identity" ? "" : "-";
	const next = sorted ? (order.descending ? "" : "-") : first;
	return (
		<th class={kind} scope="col" aria-sort={sorted ? (order.descending ? "descending" : "ascending") : undefined}>
			<button type="button" onClick={() => look({ sort: next + column })}>
				{label}
				<span class="arrow" aria-hidden="true">
					{sorted ? (order.descending ? "↓" : "↑") : ""}
				</span>
			</button>
		</th>
	);
}

const metric = {
	guilds: metricOf("guilds"),
	latency: metricOf("latency_seconds"),
	errors: metricOf("error_rate"),
	p95: metricOf("duration_p95_seconds"),
	uptime: metricOf("uptime_seconds"),
};

interface RowProps {
	cluster: Cluster;
	index: number;
	tabbable: boolean;
}

/** One row. It is drawn again only when its cluster has changed: most have not when one has, or when the table scrolls. */
class Row extends Component<RowProps> {
	override shouldComponentUpdate(next: RowProps): boolean {
		const { cluster, index, tabbable } = this.props;
		return next.cluster !== cluster || next.index !== index || next.tabbable !== tabbable;
	}

	override render({ cluster, index, tabbable }: RowProps) {
		const to = href({ screen: "cluster", fleet: cluster.fleet, number: cluster.number });
		return (
			<tr class={rowClass(cluster)} aria-rowindex={index + 2} data-index={index}>
				<td class="c-status">
					<StatusPill status={cluster.status} />
				</td>
				<td class="c-number num">#{cluster.number}</td>
				<td class="c-identity">
					<a href={to} tabIndex={tabbable ? 0 : -1} title={cluster.identity}>
						{cluster.identity}
					</a>
				</td>
				<td class="c-shards num">
					<Shards cluster={cluster} />
				</td>
				<td class="c-guilds num">
					<Value metric={metric.guilds} value={readingOf(cluster, "guilds")} />
				</td>
				<td class="c-latency num">
					<Value metric={metric.latency} value={readingOf(cluster, "latency_seconds")} />
				</td>
				<td class="c-errors num">
					<Value metric={metric.errors} value={readingOf(cluster, "error_rate")} />
				</td>
				<td class="c-p95 num">
					<Value metric={metric.p95} value={readingOf(cluster, "duration_p95_seconds")} />
				</td>
				<td class="c-uptime num">
					<Value metric={metric.uptime} value={readingOf(cluster, "uptime_seconds")} />
				</td>
				<td class="c-seen num">
					<Seen time={cluster.last_seen} /> ago
				</td>
			</tr>
		);
	}
}

function rowClass(cluster: Cluster): string {
	const rankOf = rank(cluster);
	return rankOf < 0 ? "is-down" : rankOf === 0 ? "is-bad" : rankOf === 1 ? "is-warn" : "";
}

/** How long ago something was; moves with the clock, and alone. */
export function Seen({ time }: { time: string }) {
	return <span class="seen">{age(secondsSince(time))}</span>;
}

function Shards({ cluster }: { cluster: Cluster }) {
	const up = readingOf(cluster, "shards_up");
	if (up === undefined) return <NoData />;
	const total = cluster.shards?.length ?? 0;
	return (
		<span class={total > up ? "value q-warn" : "value"}>
			{count(up)}
			{total > 0 && `/${count(total)}`}
		</span>
	);
}

function target(index: number, key: string, total: number): number | undefined {
	const page = Math.max(1, Math.floor(innerHeight / rowHeight()) - 4);
	const to: Record<string, number> = {
		ArrowDown: index + 1,
		ArrowUp: index - 1,
		PageDown: index + page,
		PageUp: index - page,
		Home: 0,
		End: total - 1,
	};
	const next = to[key];
	return next === undefined ? undefined : Math.min(Math.max(next, 0), total - 1);
}

/** Scrolls a row into view, waits until it is in the document, and focuses its link. */
function focusRow(body: HTMLElement | null, index: number, chosen: (index: number) => void): void {
	if (!body) return;
	const height = rowHeight();
	const top = body.getBoundingClientRect().top + index * height;
	const edge = height * 3;
	if (top < edge) scrollBy({ top: top - edge });
	else if (top > innerHeight - edge) scrollBy({ top: top - innerHeight + edge });
	const focus = (tries: number) => {
		const link = body.querySelector<HTMLElement>(`tr[data-index="${index}"] a`);
		if (link) {
			chosen(index);
			link.focus({ preventScroll: true });
		} else if (tries > 0) requestAnimationFrame(() => focus(tries - 1));
	};
	focus(10);
}

function useVisible(body: { current: HTMLElement | null }, total: number): Span {
	const [edges, setEdges] = useState({ top: 0, height: innerHeight, row: rowHeight() });
	useLayoutEffect(() => {
		const measure = () => {
			const row = rowHeight();
			// Only every fourth row moves the span, so that most scroll events cost nothing.
			const coarse = row * 4;
			const top = Math.floor(-(body.current?.getBoundingClientRect().top ?? 0) / coarse) * coarse;
			setEdges((before) =>
				before.top === top && before.height === innerHeight && before.row === row ? before : { top, height: innerHeight, row },
			);
		};
		measure();
		addEventListener("scroll", measure, { passive: true });
		addEventListener("resize", measure);
		return () => {
			removeEventListener("scroll", measure);
			removeEventListener("resize", measure);
		};
	}, [body]);
	return visibleRows(total, edges.row, edges.top, edges.height + edges.row * 4);
}
