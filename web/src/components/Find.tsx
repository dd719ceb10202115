import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { Cluster } from "../api/types";
import { filtered } from "../lib/order";
import { href } from "../router";
import { model } from "../state/app";
import { go } from "../state/route";
import { Modal } from "./Modal";
import { StatusPill } from "./Quality";

const open = signal(false);

/** Opens the search over all clusters. */
export function openFind(): void {
	open.value = true;
}

const most = 12;

/** Finds a cluster by a part of its identity, by "#number", or by its fleet. */
export function Find() {
	const [text, setText] = useState("");
	if (!open.value) return null;
	const found = search(text);
	const close = () => {
		open.value = false;
		setText("");
	};
	const choose = (cluster: Cluster | undefined) => {
		if (!cluster) return;
		close();
		go({ screen: "cluster", fleet: cluster.fleet, number: cluster.number });
	};
	return (
		<Modal label="Find a cluster" onClose={close} onKeyDown={moveFocus}>
			<input
				type="search"
				aria-label="Identity, #number or fleet"
				placeholder="Identity, #number or fleet"
				value={text}
				onInput={(event) => setText(event.currentTarget.value)}
				onKeyDown={(event) => event.key === "Enter" && choose(found[0])}
			/>
			<ul>
				{found.map((cluster) => (
					<li key={cluster.identity}>
						<a href={href({ screen: "cluster", fleet: cluster.fleet, number: cluster.number })} onClick={close}>
							<b>
								{cluster.fleet} #{cluster.number}
							</b>
							<span>{cluster.identity}</span>
							<StatusPill status={cluster.status} />
						</a>
					</li>
				))}
			</ul>
			<p class="muted" role="status">
				{hint(text, found.length)}
			</p>
		</Modal>
	);
}

function hint(text: string, found: number): string {
	if (text.trim() === "") return "Type a part of a name.";
	if (found === 0) return "No cluster is called like that.";
	return found === most ? "There are more." : "";
}

function search(text: string): Cluster[] {
	const words = text.toLowerCase().split(/\s+/).filter(Boolean);
	if (words.length === 0) return [];
	const found: Cluster[] = [];
	for (const fleet of model.value?.fleets ?? []) {
		// Words that name the fleet narrow down to it; the others must fit the cluster.
		const rest = words.filter((word) => !fleet.name.toLowerCase().includes(word)).join(" ");
		found.push(...filtered(fleet.clusters, rest, "all").slice(0, most - found.length));
		if (found.length >= most) break;
	}
	return found;
}

function moveFocus(event: KeyboardEvent): void {
	if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
	const stops = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("input, a")];
	const index = stops.indexOf(document.activeElement as HTMLElement);
	const next = stops[index + (event.key === "ArrowDown" ? 1 : -1)];
	event.preventDefault();
	next?.focus();
}
