/** The least round number that is not below a value, and whose half is whole. */
export function roundUp(value: number): number {
	const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
	const step = [power === 1 ? 2 : 1, 2, 4, 6, 8].find((candidate) => candidate * power >= value) ?? 10;
	return step * power;
}
