/** How often the whole view is read while there is no stream, in milliseconds. */
export const pollEvery = 5000;

/** The control plane writes to a quiet stream every 15 s. One that says nothing for longer is dead, in milliseconds. */
export const streamSilence = 40_000;

/** How long a page that cannot be seen keeps its stream, in milliseconds: browsers allow a host few connections. */
export const hiddenPatience = 60_000;

/** What arrives after so much silence, in milliseconds, has a gap before it that only the control plane's history fills. */
export const historyGap = 45_000;

/** A stream that lived so long, in milliseconds, is opened again at once. */
export const streamLife = 2000;

/** How long to wait after some failures in a row, in milliseconds: longer and longer, and never for two pages alike. */
export function backoff(failures: number, random: () => number = Math.random): number {
	const most = Math.min(1000 * 2 ** (failures - 1), 15_000);
	return most * (0.7 + 0.3 * random());
}
