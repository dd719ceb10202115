/** Points that are this far apart, in milliseconds, are not joined by a line: nothing is known of the time between them. */
const gap = 90_000;

/** Puts a hole where points are missing, such as while a cluster was down. */
export function gapped(times: readonly number[], values: readonly (number | null)[]): { times: number[]; values: (number | null)[] } {
	const out: { times: number[]; values: (number | null)[] } = { times: [], values: [] };
	times.forEach((t, i) => {
		const before = times[i - 1];
		if (before !== undefined && t - before > gap) {
			out.times.push(before + 1000);
			out.values.push(null);
		}
		out.times.push(t);
		out.values.push(values[i] ?? null);
	});
	return out;
}
