import { computed, signal } from "@preact/signals";
import { clockOffset } from "./app";

const ticks = signal(Date.now());

/** The control plane's time in milliseconds, moving once a second while the page can be seen. */
export const now = computed(() => ticks.value + clockOffset.value);

setInterval(() => {
	if (!document.hidden) ticks.value = Date.now();
}, 1000);

/** Seconds since a moment of the control plane. Reading it subscribes to the clock. */
export function secondsSince(time: string): number {
	return Math.max(0, (now.value - Date.parse(time)) / 1000);
}
