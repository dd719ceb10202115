import { age } from "../format";
import { link, model, trouble } from "../state/app";
import { now } from "../state/now";

/** Says that the data is old, and how old. */
export function ConnectionBanner() {
	if (link.value !== "lost" || !model.value) return null;
	return (
		<div class="banner" role="alert">
			<strong>Connection lost.</strong> {trouble.value} What is shown is <Age at={model.value.at} /> old. Trying again…
		</div>
	);
}

function Age({ at }: { at: number }) {
	return <span aria-live="off">{age((now.value - at) / 1000)}</span>;
}

const words = { connecting: "Connecting", live: "Live", polling: "Every 5 s", lost: "Offline" } as const;
const hints = {
	connecting: "Connecting to the control plane",
	live: "Changes show within a second",
	polling: "The control plane has no stream to spare, so the page asks every five seconds",
	lost: "The control plane does not answer",
} as const;

/** How changes come. */
export function LinkState() {
	return (
		<span class={`link-state l-${link.value}`} title={hints[link.value]} role="status">
			<i class="dot" />
			{words[link.value]}
		</span>
	);
}
