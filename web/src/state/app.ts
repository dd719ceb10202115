import { batch, signal } from "@preact/signals";
import type { Config, Delta, FleetEvent, View } from "../api/types";
import { changed, type Model, modelOf, withEvents } from "./model";

/** Whether somebody is let in, as far as is known. */
export type Access = "unknown" | "granted" | "refused";

/** How changes come: "lost" means that they do not. */
export type Link = "connecting" | "live" | "polling" | "lost";

/** What the page knows. Screens read these signals; only the functions of this folder change them. */
export const config = signal<Config | undefined>(undefined);
export const model = signal<Model | undefined>(undefined);
/** Newest first; undefined before they have been read. */
export const events = signal<readonly FleetEvent[] | undefined>(undefined);
export const access = signal<Access>("unknown");
/** Why somebody is not let in, for the sign-in screen. */
export const refusal = signal("");
export const link = signal<Link>("connecting");
/** Why changes do not come; empty while they do. */
export const trouble = signal("");
/** How much further the control plane's clock is than ours, in milliseconds. */
export const clockOffset = signal(0);

/** Changes when what was recorded meanwhile must be read again: the page was cut off for a while. */
export const epoch = signal(0);

/** Takes a whole view. */
export function takeView(view: View): void {
	take(modelOf(view));
}

/** Takes a change of the view that is there. */
export function takeDelta(delta: Delta): void {
	const before = model.peek();
	if (!before) return;
	batch(() => {
		take(changed(before, delta));
		if (events.peek()) events.value = withEvents(events.peek() ?? [], delta.events ?? []);
	});
}

function take(next: Model): void {
	batch(() => {
		model.value = next;
		// A view may be a cached one, so its time is at most as late as ours: the latest difference is the best one.
		const offset = next.at - Date.now();
		if (clockOffset.peek() === 0 || offset > clockOffset.peek() || clockOffset.peek() - offset > 60_000) clockOffset.value = offset;
	});
}

/** Forgets everything that only somebody who is let in may see. */
export function forget(): void {
	batch(() => {
		config.value = undefined;
		model.value = undefined;
		events.value = undefined;
		trouble.value = "";
		link.value = "connecting";
	});
}
