import { useEffect } from "preact/hooks";
import { parentOf } from "../router";
import { access } from "../state/app";
import { go, route } from "../state/route";
import { toggleTheme } from "../state/theme";
import { openFind } from "./Find";
import { openHelp } from "./Help";

function up(): void {
	const parent = parentOf(route.peek().place);
	if (parent) go(parent);
}

function search(): void {
	const filter = document.querySelector<HTMLInputElement>("input.filter");
	if (filter) filter.focus();
	else find();
}

function find(): void {
	if (access.peek() === "granted") openFind();
}

const actions: Record<string, () => void> = {
	"/": search,
	f: find,
	g: () => go({ screen: "global" }),
	u: up,
	t: toggleTheme,
	"?": openHelp,
};

/** Makes single keys work anywhere but where text is typed. */
export function useKeys(): void {
	useEffect(() => {
		const onKey = (event: KeyboardEvent) => {
			const target = event.target as HTMLElement;
			const typing = target.closest("input, textarea, select, dialog") !== null;
			if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
			const action = actions[event.key];
			if (!action) return;
			event.preventDefault();
			action();
		};
		addEventListener("keydown", onKey);
		return () => removeEventListener("keydown", onKey);
	}, []);
}
