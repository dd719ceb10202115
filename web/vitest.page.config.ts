import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What all projects share. The tests live in test/page and use the modules that are installed here. */
const shared = {
	root: path("../test/page"),
	resolve: { alias: { "playwright-core": path("./node_modules/playwright-core/index.mjs") } },
};
const patience = { testTimeout: 120_000, hookTimeout: 180_000, expect: { poll: { timeout: 10_000 } } };

/** What is measured runs alone; everything else waits more than it works, so a few files run at once. */
const usual = [
	{
		...shared,
		test: { ...patience, name: "page", include: ["*.test.ts"], exclude: ["scale.test.ts"], maxWorkers: 3, sequence: { groupOrder: 1 } },
	},
	{ ...shared, test: { ...patience, name: "scale", include: ["scale.test.ts"], maxWorkers: 1, sequence: { groupOrder: 2 } } },
];

/** PAGE=long: what takes minutes. PAGE=pictures: takes the pictures of the documentation anew. */
const asked = process.env["PAGE"];
const special = [{ ...shared, test: { ...patience, name: asked ?? "", include: [`*.${asked}.ts`] } }];

/** The tests of the page in a real browser, against the real control plane. */
export default defineConfig({
	...shared,
	test: { globalSetup: path("../test/page/global.ts"), projects: asked ? special : usual },
});
