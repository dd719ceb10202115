import { afterAll, describe, expect, test } from "vitest";
import { Member, well } from "./member";
import { hitch, manyClusters, report, smoothest, tell, traceTasks } from "./scale";
import { shows, World } from "./world";

const world = new World(manyClusters, async (plane) => {
	for (const fleet of ["americas", "asia", "europe", "oceania"]) await plane.swarm(fleet, fleet, 1000, 2);
	await plane.swarm("africa", "africa", 999, 2);
	const sick = new Member(plane, "sick", "asia");
	await sick.join(illness);
	beats = setInterval(() => void sick.beat(illness).catch(() => {}), 5000);
});
const illness = { ...well, shards: { "0": 1.4, "1": "down" as const } };
let beats: NodeJS.Timeout | undefined;
afterAll(() => clearInterval(beats));

describe("five thousand clusters", () => {
	test("are there in two seconds", async () => {
		const look = async () => {
			const page = await world.open({ at: "about" });
			let took = 0;
			const tasks = await traceTasks(world.browser, async () => {
				const started = Date.now();
				await page.goto(world.plane.url);
				await shows(page, ".legend", "4,999 good");
				await shows(page, ".attention li", "asia #1001");
				took = Date.now() - started;
			});
			report(`first view of 5,000 clusters: ${took} ms; ${tell(tasks)}`);
			await page.close();
			return took;
		};
		// A busy machine delays one look or another; a page that is slow is so in each of them.
		await expect.poll(look, { timeout: 90_000, interval: 0 }).toBeLessThan(2000);
	}, 120_000);

	test("show in two seconds what is wrong, and in two clicks why", async () => {
		const page = await world.open();
		await shows(page, ".attention li", /asia #1001[\s\S]*Gateway latency 1\.40 s[\s\S]*1 of 2 shards down/);
		await page.locator(".attention li a", { hasText: "asia #1001" }).click();
		await shows(page, ".attention", "Gateway latency 1.40 s");
		await page.locator(".shard.q-bad").first().click();
		await shows(page, "h1", "Shard 0");
		await shows(page, ".card .q-bad", "1.40 s");
	});

	for (const [name, at] of Object.entries({
		"the overview": "#/",
		"a fleet's table": "#/fleet/europe",
		"a cluster": "#/fleet/europe/cluster/500",
	})) {
		test(`${name} takes changes each second without a hitch`, async () => {
			const page = await world.open({ at });
			await shows(page, ".cards", "Guilds");
			await shows(page, ".link-state", "Live");
			await page.waitForTimeout(1000);
			const tasks = await smoothest(world.browser, () => page.waitForTimeout(5000));
			report(`${name}, 5 s of changes: ${tell(tasks)}`);
			expect(tasks.cpu[0] ?? 0).toBeLessThan(hitch);
		});
	}

	test("scroll by, with few rows in the document", async () => {
		const page = await world.open({ at: "#/fleet/europe" });
		await shows(page, "table.clusters", "europe-");
		await page.waitForTimeout(500);
		await page.mouse.move(600, 500);
		const tasks = await smoothest(world.browser, async () => {
			await page.evaluate(() => scrollTo(0, 0));
			for (let i = 0; i < 45; i++) {
				await page.mouse.wheel(0, 1000);
				await page.waitForTimeout(30);
			}
			await shows(page, "table.clusters", "#1000");
		});
		report(`scrolling through 1,000 rows: ${tell(tasks)}`);
		expect(tasks.cpu[0] ?? 0).toBeLessThan(hitch);
		expect(await page.locator("table.clusters tbody tr").count()).toBeLessThan(80);

		// From there to a cluster: its screen begins at its top, for the keyboard too.
		await page.locator("table.clusters tr", { hasText: "#1000" }).locator("a").click();
		await shows(page, "h1", "#1000");
		await expect.poll(() => page.evaluate(() => [scrollY, document.activeElement?.id])).toEqual([0, "main"]);
	}, 90_000); // each turn of the wheel waits for a frame, however long a busy machine takes for it
});
