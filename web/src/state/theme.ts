import { effect, signal } from "@preact/signals";

/** What the viewer chose; "system" follows the device. */
export type Theme = "system" | "light" | "dark";

const storageKey = "argus-theme";

function stored(): Theme {
	try {
		const value = localStorage.getItem(storageKey);
		return value === "light" || value === "dark" ? value : "system";
	} catch {
		return "system"; // storage is switched off
	}
}

export const theme = signal<Theme>(stored());

const system = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(system.matches);
system.addEventListener("change", () => {
	systemDark.value = system.matches;
});

/** The theme that is shown. */
export function shownTheme(): "light" | "dark" {
	if (theme.value !== "system") return theme.value;
	return systemDark.value ? "dark" : "light";
}

/** Changes to the other theme; back to the device's own means to follow the device again. */
export function toggleTheme(): void {
	const other = shownTheme() === "dark" ? "light" : "dark";
	theme.value = (other === "dark") === systemDark.value ? "system" : other;
	try {
		if (theme.value === "system") localStorage.removeItem(storageKey);
		else localStorage.setItem(storageKey, theme.value);
	} catch {
		// The choice lasts until the page is closed.
	}
}

effect(() => {
	document.documentElement.dataset["theme"] = shownTheme();
});
