const day = 86_400_000;

/** More days than anybody asks for are shown as they came. */
const most = 3660;

/** A number for each day (UTC, such as 2026-06-01) from the first to the last, in order: 0 for those that were left out. */
export function everyDay(rows: readonly [day: string, count: number][]): [day: string, count: number][] {
	const counts = new Map(rows);
	const times = [...counts.keys()].map((name) => Date.parse(name));
	const [first, last] = [Math.min(...times), Math.max(...times)];
	const days = (last - first) / day + 1;
	if (!Number.isInteger(days) || days > most) return [...rows];
	return Array.from({ length: days }, (_, i) => {
		const name = new Date(first + i * day).toISOString().slice(0, 10);
		return [name, counts.get(name) ?? 0];
	});
}
