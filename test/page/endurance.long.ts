import { expect, test } from "vitest";
import { manyClusters, report, sizeOf, tell, traceTasks } from "./scale";
import { shows, World } from "./world";

const minutes = Number(process.env["PAGE_MINUTES"] ?? 10);

const world = new World(manyClusters, async (plane) => {
	for (const fleet of ["americas", "asia", "europe", "oceania", "africa"]) await plane.swarm(fleet, fleet, 1000, 2);
});

/** Goes round the screens, as a person would who looks for something. */
const round = [
	"#/",
	"#/fleet/europe",
	"#/fleet/europe?as=map",
	"#/fleet/asia/cluster/500",
	"#/fleet/asia/cluster/500/shard/998",
	"#/setup",
	"#/",
];

test(
	`${minutes} minutes of changes of 5,000 clusters leave nothing behind`,
	async () => {
		const { page, context } = await world.visit();
		await shows(page, ".legend", "5,000");
		const session = await context.newCDPSession(page);
		const go = async (milliseconds: number) => {
			for (const until = Date.now() + milliseconds; Date.now() < until; ) {
				for (const at of round) {
					await page.goto(`${world.plane.url}/${at}`);
					await page.waitForTimeout(2500);
				}
			}
		};
		await go(minutes * 6_000); // what is kept on purpose is there after a while
		const before = await sizeOf(page, session);
		await go(minutes * 54_000);
		const after = await sizeOf(page, session);
		const tasks = await traceTasks(world.browser, () => go(1));
		report(
			`heap ${(before.heap / 1e6).toFixed(1)} -> ${(after.heap / 1e6).toFixed(1)} MB, elements ${before.elements} -> ${after.elements}; ${tell(tasks)}`,
		);
		expect(after.heap).toBeLessThan(before.heap * 1.25 + 4e6);
		expect(Math.abs(after.elements - before.elements)).toBeLessThan(200);
		expect(tasks.cpu[0] ?? 0).toBeLessThan(250); // going to another screen is allowed to take a moment
	},
	minutes * 120_000 + 120_000,
);
