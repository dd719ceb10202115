import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";

const source = readFileSync(new URL("../../web/node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What axe finds on the page that keeps people out: one line for each place. */
export async function barriers(page: Page): Promise<string[]> {
	// Colours halfway from one theme to the other are nobody's to judge.
	await page.evaluate(async () => {
		await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
		for (const animation of document.getAnimations()) animation.finish();
	});
	await page.evaluate(source);
	return page.evaluate(async () => {
		interface Found {
			id: string;
			impact: string;
			nodes: { html: string; failureSummary: string }[];
		}
		const axe = (globalThis as unknown as { axe: { run: (options: unknown) => Promise<{ violations: Found[] }> } }).axe;
		const { violations } = await axe.run({ resultTypes: ["violations"] });
		return violations.flatMap((found) =>
			found.nodes.map((node) => `${found.impact} ${found.id}: ${node.html.slice(0, 160)} ${node.failureSummary.replaceAll(/\s+/g, " ")}`),
		);
	});
}
