import { afterAll, describe, expect, test } from "vitest";
import { Member, well } from "./member";
import { shows, World } from "./world";

/** The control plane records a point each 15 s: some are there once all of this has been waited for. */
const recording = 34_000;

const beats: NodeJS.Timeout[] = [];
let last: Promise<unknown> = Promise.resolve();
const world = new World({}, async (plane) => {
	const slow = new Member(plane, "slow", "europe");
	await slow.join(well);
	let n = 0;
	const beat = () => {
		n++;
		const shards = { "0": n % 2 === 0 ? 0.2 : 0.4, "1": 0.05, "2": "down" as const };
		last = slow.beat({ ...well, shards, commands: 1000 + 10 * n, errors: 2 + 0.1 * n, interactions: 5000 + 30 * n }).catch(() => {});
	};
	beats.push(setInterval(beat, 400));
	await new Member(plane, "terse", "europe").join({ guilds: 7 });
	await new Promise((resolve) => setTimeout(resolve, recording));
});
const silence = async () => {
	beats.forEach(clearInterval);
	await last;
};
afterAll(silence);

describe("the last hour", () => {
	test("of a cluster: charts that read out the latest value and, under the pointer, any other with its time", async () => {
		const page = await world.open({ at: "#/fleet/europe/cluster/1" });
		const chart = page.locator(".chart[data-metric=latency_seconds]");
		await chart.locator("canvas").waitFor();
		expect(await chart.locator(".plot").getAttribute("aria-label")).toMatch(
			/^Gateway latency over the last hour: from \d00 ms to \d00 ms, now \d00 ms$/,
		);
		expect(await chart.locator(".readout").innerText()).toMatch(/^\d00 ms$/);
		await chart.locator(".u-over").hover({ position: { x: 20, y: 40 } });
		await shows(page, ".chart[data-metric=latency_seconds] .readout", /^\d00 ms at \d\d:\d\d:\d\d$/);
		await shows(page, ".chart[data-metric=guilds] .readout", /^120 at \d\d:\d\d:\d\d$/); // all charts follow
		await page.locator("h1").hover();
		await shows(page, ".chart[data-metric=latency_seconds] .readout", /^\d00 ms$/);
		expect(await page.locator(".charts canvas").count()).toBe(6);
	});

	test("a value that is not reported has no line, though its history is full of zeros", async () => {
		const page = await world.open({ at: "#/fleet/europe/cluster/2" });
		await page.locator(".chart[data-metric=guilds] canvas").waitFor();
		expect(await page.locator(".chart-empty").allInnerTexts()).toEqual(Array.from({ length: 5 }, () => "no data"));
	});

	test("of a fleet and of everything: a line under each value, and under each fleet", async () => {
		const page = await world.open();
		await page.locator(".fleet polyline").waitFor({ state: "attached" });
		await page.locator(".card[data-metric=guilds] polyline").waitFor({ state: "attached" });
		expect(await page.locator(".card polyline").count()).toBe(8); // of uptime there is none
		await page.locator(".fleet a").click();
		await page.locator(".card[data-metric=guilds] polyline").waitFor({ state: "attached" });
	});
});

describe("a shard", () => {
	const label = (page: { locator: (s: string) => { getAttribute: (n: string) => Promise<string | null> } }) =>
		page.locator(".chart.tall .plot").getAttribute("aria-label");

	test("is watched from the first look at its cluster on, and says since when", async () => {
		const page = await world.open({ at: "#/fleet/europe/cluster/1" });
		await shows(page, ".shards", "down");
		await page.waitForTimeout(1500);
		await page.locator(".shard").nth(0).click();
		await shows(page, ".chart.tall", /^Latency since \d\d:\d\d:\d\d, when this page began to watch/);
		await page.locator('.chart.tall .plot[aria-label*="from 200 ms to 400 ms"]').waitFor();
		const first = await label(page);
		expect(first).toMatch(/^Gateway latency since \d\d:\d\d:\d\d: from 200 ms to 400 ms, now \d00 ms$/);
		await shows(page, ".shard[aria-current]", "0");
		await page.getByRole("link", { name: "shard 1 ›" }).click();
		await shows(page, "h1", "Shard 1");
		await page.locator(".chart.tall canvas").waitFor();
		// It has been watched for as long as its neighbour.
		expect(await label(page)).toBe(first?.replace(/: from .*/, ": from 50 ms to 50 ms, now 50 ms"));
	});

	test("that is down has no line of its own, and its cluster's hour beside it", async () => {
		const page = await world.open({ at: "#/fleet/europe/cluster/1/shard/2" });
		await shows(page, ".title .pill", "Down");
		await shows(page, ".chart.tall .chart-empty", "no data");
		await page.locator(".chart:not(.tall) canvas").waitFor();
		expect(await page.locator(".chart:not(.tall) .plot").getAttribute("aria-label")).toContain("of the slowest shard over the last hour");
	});

	test("is forgotten when somebody signs out", async () => {
		const page = await world.open({ at: "#/fleet/europe/cluster/1/shard/0" });
		await page.locator(".chart.tall canvas").waitFor();
		// Else a second point would come at once; no view that the control plane keeps is older.
		await silence();
		await new Promise((resolve) => setTimeout(resolve, 2000));
		await page.getByRole("button", { name: "Sign out" }).click();
		await shows(page, "label", "Viewer token");
		await page.getByLabel("Viewer token").fill("viewer-token-of-the-tests");
		await page.keyboard.press("Enter");
		await shows(page, ".chart.tall .chart-empty", "waiting for the second point");
	});
});
