import type { Unit } from "./metrics";

/** What stands for a value that is not known. */
export const dash = "–";

const counts = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compacts = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 });

/** A value in its unit; a dash when there is none. */
export function format(unit: Unit, value: number | undefined): string {
	if (value === undefined || !Number.isFinite(value)) return dash;
	switch (unit) {
		case "count":
			return count(value);
		case "ratio":
			return `${(value * 100).toFixed(2)}%`;
		case "per_second":
			return `${value < 1000 ? value.toFixed(2) : count(value)}/s`;
		case "seconds":
			return duration(value);
	}
}

/** A whole number with separators. */
export function count(value: number): string {
	const rounded = Math.round(value);
	return counts.format(Object.is(rounded, -0) ? 0 : rounded);
}

/** A number that fits anywhere: 12.3K. */
export function compact(value: number): string {
	return Math.abs(value) < 10_000 ? count(value) : compacts.format(value);
}

/** Seconds as the two largest units that matter: 82 ms, 4.20 s, 3m 5s, 2h 7m, 12d 3h. */
export function duration(seconds: number): string {
	if (!Number.isFinite(seconds)) return dash;
	if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
	if (seconds < 59.995) return `${seconds.toFixed(2)} s`;
	return longDuration(seconds);
}

/** How long ago something was, in whole seconds at the least: 0s, 42s, 3m 5s. */
export function age(seconds: number): string {
	return seconds < 59.5 ? `${Math.max(0, Math.round(seconds))}s` : longDuration(seconds);
}

function longDuration(seconds: number): string {
	const whole = Math.round(seconds);
	if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
	const minutes = Math.floor(whole / 60);
	if (minutes < 1440) return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
	const hours = Math.floor(minutes / 60);
	return `${count(Math.floor(hours / 24))}d ${hours % 24}h`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const moments = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** The time of day of a moment (milliseconds since 1970), where the viewer is. */
export function timeOfDay(at: number): string {
	return clock.format(at);
}

/** Date and time of a moment, where the viewer is; a dash for one that never was. */
export function moment(at: number): string {
	return Number.isFinite(at) && at > 0 ? moments.format(at) : dash;
}

/** "1 cluster", "5,000 clusters". */
export function plural(n: number, one: string, many = `${one}s`): string {
	return `${count(n)} ${n === 1 ? one : many}`;
}
