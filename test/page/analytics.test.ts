import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { barriers } from "./axe";
import { ClickHouse } from "./clickhouse";
import { Member, well } from "./member";
import { place, shows, World } from "./world";

let clickhouse: ClickHouse;
const env: Record<string, string> = {};
beforeAll(async () => {
	clickhouse = await ClickHouse.start("42");
	env["ARGUS_FLEET_CLICKHOUSE_DSN"] = clickhouse.dsn;
});
const world = new World(env, async (plane) => {
	await new Member(plane, "bot-0", "europe").join(well);
});
afterAll(() => clickhouse.stop());

describe("analytics", () => {
	test("asks for a guild, and shows its commands and days", async () => {
		const page = await world.open();
		await page.getByRole("link", { name: "Analytics" }).click();
		await shows(page, "main", "Which guild?");
		await page.getByLabel("Guild id").fill("42");
		await page.keyboard.press("Enter");
		await shows(page, ".commands", "play");
		expect(place(page)).toBe("#/analytics?guild=42");
		expect((await page.locator(".commands tbody tr").first().innerText()).replaceAll(/\s+/g, " ").trim()).toBe("play 18,422 231.4 ms");
		await shows(page, ".card", "233.7 ms");
		expect(await page.locator(".volume .bar").count()).toBe(30);
		for (const theme of ["light", "dark"] as const) {
			await page.emulateMedia({ colorScheme: theme });
			expect(await barriers(page)).toEqual([]);
		}
		await page.reload();
		await shows(page, ".commands", "play");
	});

	test("of one cluster, which the address names too", async () => {
		const page = await world.open({ at: "#/analytics?guild=42" });
		await shows(page, ".commands", "play");
		await page.getByLabel("Cluster (optional)").fill("bot-0");
		const offered = () => page.locator("#identities option").evaluateAll((all) => all.map((option) => option.getAttribute("value")));
		await expect.poll(offered).toEqual(["bot-0"]);
		await page.getByRole("button", { name: "Load" }).click();
		await shows(page, ".commands", "skip");
		expect(place(page)).toBe("#/analytics?guild=42&cluster=bot-0");
		expect(await page.locator(".commands tbody tr").count()).toBe(2);
		await page.reload();
		await shows(page, ".commands", "skip");
		expect(await page.getByLabel("Cluster (optional)").inputValue()).toBe("bot-0");
	});

	test("says when there is nothing", async () => {
		const page = await world.open({ at: "#/analytics?guild=43" });
		await shows(page, "main", "No data for this guild.");
	});

	test("says when ClickHouse does not answer", async () => {
		clickhouse.stop();
		const page = await world.open({ at: "#/analytics?guild=42" });
		await shows(page, "[role=alert]", "The control plane answered 50");
	});
});
