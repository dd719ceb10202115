import { describe, expect, test } from "vitest";
import { Member, well } from "./member";
import { place, shows, World } from "./world";

const longName = "an-identity-that-is-as-long-as-an-identity-may-be-".padEnd(128, "x");

const world = new World({}, async (plane) => {
	for (let i = 0; i < 12; i++) await new Member(plane, `bot-${i}`, "europe").join({ ...well, guilds: 100 + i });
	await new Member(plane, "sick", "asia / 東京").join({ ...well, errors: 90, shards: { "0": 1.4, "1": "down", "2": 0.05 } });
	const gone = new Member(plane, longName, "asia / 東京");
	await gone.join(well);
	await gone.leave();
	await new Member(plane, "mute", "asia / 東京").join();
	await new Member(plane, "terse", "asia / 東京").join({ guilds: 7 });
});

const asia = `#/fleet/${encodeURIComponent("asia / 東京")}`;
const card = (page: { locator: (s: string) => { innerText: () => Promise<string> } }, key: string) =>
	page.locator(`.card[data-metric=${key}] .value`).innerText();

describe("the overview", () => {
	test("says first what is wrong, worst first, and leads there", async () => {
		const page = await world.open();
		await shows(page, ".attention h2", "2 clusters need attention");
		const problems = await page.locator(".attention li").allInnerTexts();
		expect(problems[0]).toMatch(/asia \/ 東京 #2[\s\S]*down, last seen \d+s ago/);
		expect(problems[1]).toMatch(/sick[\s\S]*Gateway latency 1\.40 s[\s\S]*Error rate 8\.26%[\s\S]*1 of 3 shards down/);
		await page.locator(".attention li a").nth(1).click();
		await shows(page, "h1", "asia / 東京 #1");
	});

	test("shows the nine values in their formats", async () => {
		const page = await world.open();
		await shows(page, ".cards", "Guilds");
		expect(await page.locator(".cards dt").allInnerTexts()).toEqual([
			"Shards up",
			"Guilds",
			"Cached users",
			"Gateway latency",
			"Error rate",
			"Command p95",
			"Interactions",
			"Rate limits",
			"Uptime",
		]);
		expect(await card(page, "guilds")).toBe("1,393");
		expect(await card(page, "cached_users")).toBe("54,600");
		expect(await card(page, "latency_seconds")).toContain("1.40 s");
		expect(await card(page, "uptime_seconds")).toBe("1d 1h");
	});

	test("a map's cell tells what it is and leads there; what its colours mean is in the address", async () => {
		const page = await world.open();
		await shows(page, ".legend", "1 down");
		expect(await page.locator(".legend li").allInnerTexts()).toEqual([" 1 down", " 1 bad", " 13 good", " 1 no data"].map((t) => t.trim()));
		await page.getByLabel("Colour by").selectOption("guilds");
		expect(place(page)).toBe("#/?by=guilds");
		await shows(page, ".scale", /7.*120/s);
		const canvas = page.locator(".map-cells canvas");
		await canvas.hover({ position: { x: 12, y: 34 } });
		await shows(page, ".tip", "asia / 東京 #1");
		await canvas.click({ position: { x: 12, y: 34 } });
		await shows(page, "h1", "asia / 東京 #1");
	});

	test("lists what happened, newest first, and what happened to many as one", async () => {
		const page = await world.open();
		await shows(page, ".events", "asia / 東京 #2 left");
		await shows(page, ".events li", /^europe: 12 clusters joined/);
		const times = await page
			.locator(".events time")
			.evaluateAll((all) => all.map((time) => Date.parse(time.getAttribute("datetime") ?? "")));
		expect(times).toEqual([...times].sort((a, b) => b - a));
	});
});

describe("a fleet", () => {
	test("is a table that is ordered and filtered, and the address remembers how", async () => {
		const page = await world.open({ at: "#/fleet/europe" });
		await shows(page, "table.clusters", "bot-11");
		const identities = () => page.locator("td.c-identity").allInnerTexts();
		await page.getByRole("button", { name: /^Guilds/ }).click();
		expect((await identities())[0]).toBe("bot-11");
		expect(await page.locator("th[aria-sort=descending]").innerText()).toContain("Guilds");
		await page.getByRole("searchbox").fill("bot-1");
		expect(await identities()).toEqual(["bot-11", "bot-10", "bot-1"]);
		expect(place(page)).toBe("#/fleet/europe?sort=-guilds&q=bot-1");
		await page.reload();
		await shows(page, "table.clusters", "bot-11");
		expect(await identities()).toEqual(["bot-11", "bot-10", "bot-1"]);
	});

	test("has a column for each thing that tells clusters apart", async () => {
		const page = await world.open({ at: "#/fleet/europe" });
		await shows(page, "table.clusters", "bot-11");
		const headings = await page.locator("table.clusters th").allInnerTexts();
		expect(headings.map((heading) => heading.replace(/\s*[↑↓]/, ""))).toEqual([
			"Status",
			"No.",
			"Identity",
			"Shards",
			"Guilds",
			"Latency",
			"Errors",
			"p95",
			"Uptime",
			"Last seen",
		]);
		expect(await page.locator("tr", { hasText: "bot-11" }).locator("td").allInnerTexts()).toEqual([
			"Up",
			"#12",
			"bot-11",
			"2/2",
			"111",
			"62 ms",
			"0.20%",
			expect.stringMatching(/^\d+ ms$/),
			"1d 1h",
			expect.stringMatching(/^\d+m? ?\d*s ago$/),
		]);
	});

	test("shows what is down, problems, or all; as a table or as a map", async () => {
		const page = await world.open({ at: asia });
		await shows(page, "table.clusters", "mute");
		await page.getByRole("button", { name: "Problems" }).click();
		expect(await page.locator("td.c-identity").allInnerTexts()).toEqual(["sick", longName]);
		await page.getByRole("button", { name: "Down" }).click();
		expect(await page.locator("td.c-identity").count()).toBe(1);
		await page.getByRole("button", { name: "Map" }).click();
		await shows(page, ".legend", "1 down");
		expect(place(page)).toBe(`${asia}?show=down&as=map`);
	});

	test("what is not known is a dash and never good", async () => {
		const page = await world.open({ at: asia });
		const row = page.locator("tr", { hasText: "terse" });
		await row.waitFor();
		expect(await row.locator(".c-guilds").innerText()).toBe("7");
		for (const column of ["latency", "errors", "p95"])
			expect(await row.locator(`.c-${column} .q-unknown [aria-hidden]`).innerText()).toBe("–");
		const mute = page.locator("tr", { hasText: "mute" });
		expect(await mute.locator(".q-unknown").count()).toBe(6);
		expect(await mute.locator("td .q-good:not(.pill)").count()).toBe(0);
	});
});

describe("a cluster", () => {
	test("shows its faults, its values with their thresholds, its shards and where it runs", async () => {
		const page = await world.open({ at: `${asia}/cluster/1` });
		await shows(page, ".attention", "Gateway latency 1.40 s");
		await shows(page, ".card[data-metric=latency_seconds]", "warns at 300 ms, bad at 1.00 s");
		expect(await page.locator(".card[data-metric=error_rate] .q-bad").innerText()).toContain("8.26%");
		expect(await page.locator(".shard").allInnerTexts()).toEqual(["0\n1.40 s\nslow", "1\ndown", "2\n50 ms"]);
		await shows(page, ".facts", "10.42.0.7:9191");
		await shows(page, ".facts", "0.4.2");
		await page.locator(".shard").nth(1).click();
		await shows(page, "h1", "Shard 1");
		expect(place(page)).toBe(`${asia}/cluster/1/shard/1`);
		await page.goBack();
		await shows(page, "h1", "asia / 東京 #1");
	});

	test("that is down says so, and that its values are old", async () => {
		const page = await world.open({ at: `${asia}/cluster/2` });
		await shows(page, ".attention", /down, last seen .* ago/);
		await shows(page, ".attention", "the last that it sent");
	});

	test("that sent nothing has nine dashes", async () => {
		const page = await world.open({ at: `${asia}/cluster/3` });
		await shows(page, ".attention", "has not sent any values");
		expect(await page.locator(".card .q-unknown").count()).toBe(9);
		await expect.poll(() => page.locator(".chart-empty").allInnerTexts()).toEqual(Array.from({ length: 6 }, () => "no data"));
	});

	test("has neighbours", async () => {
		const page = await world.open({ at: "#/fleet/europe/cluster/2" });
		await page.getByRole("link", { name: "Next cluster, #3" }).click();
		await shows(page, "h1", "europe #3");
	});

	test("that is not there is not there", async () => {
		const page = await world.open({ at: "#/fleet/europe/cluster/999" });
		await shows(page, ".empty", "There is no cluster #999");
		await page.goto(`${world.plane.url}/#/fleet/nowhere`);
		await shows(page, ".empty", 'There is no fleet "nowhere"');
	});
});

describe("the way around", () => {
	test("by the trail, and back", async () => {
		const page = await world.open({ at: "#/fleet/europe/cluster/1/shard/0" });
		await shows(page, ".crumbs", /Global\s*europe\s*#1\s*shard 0/);
		await page.locator(".crumbs").getByRole("link", { name: "europe" }).click();
		await shows(page, "h1", "europe");
		await page.goBack();
		await shows(page, "h1", "Shard 0");
		await expect.poll(() => page.title()).toBe("(1 down) shard 0 of europe #1 · Argus fleet");
	});

	test("by keys alone", async () => {
		const page = await world.open();
		await shows(page, ".title .pill", "15/16 up");
		await page.keyboard.press("f");
		await page.locator("dialog input:focus").waitFor();
		await page.keyboard.type("europe #7");
		await shows(page, "dialog li", "europe #7");
		await page.keyboard.press("Enter");
		await shows(page, "h1", "europe #7");
		await page.keyboard.press("u");
		await shows(page, "h1", "europe");
		await page.keyboard.press("/");
		await page.locator("input:focus").waitFor();
		await page.keyboard.type("bot-3");
		expect(await page.locator("td.c-identity").allInnerTexts()).toEqual(["bot-3"]);
		await page.locator("td.c-identity a").focus();
		await page.keyboard.press("Enter");
		await shows(page, "h1", "europe #4");
		await page.keyboard.press("g");
		await shows(page, "h1", "Fleet overview");
		await page.keyboard.press("?");
		await shows(page, "dialog", "one level up");
		await page.keyboard.press("Escape");
		await page.locator("dialog").waitFor({ state: "detached" });
		const theme = () => page.evaluate(() => document.documentElement.dataset["theme"]);
		expect(await theme()).toBe("light");
		await page.keyboard.press("t");
		expect(await theme()).toBe("dark");
	});

	test("rows by arrow keys, cells by arrow keys", async () => {
		const page = await world.open({ at: "#/fleet/europe" });
		await page.locator("td.c-identity a").first().focus();
		for (const key of ["ArrowDown", "ArrowDown", "End", "ArrowUp"]) await page.keyboard.press(key);
		await page.waitForFunction(() => document.activeElement?.textContent === "bot-10");
		await page.goto(`${world.plane.url}/#/fleet/europe?as=map`);
		await page.locator(".map-cells button").focus();
		for (const key of ["ArrowRight", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
		await shows(page, ".tip", "europe #3");
		await page.keyboard.press("Enter");
		await shows(page, "h1", "europe #3");
	});
});

describe("the theme", () => {
	const background = "getComputedStyle(document.documentElement).backgroundColor";
	test("follows the device, and the choice is kept", async () => {
		const page = await world.open({ theme: "dark" });
		await shows(page, ".title .pill", "15/16 up");
		const dark = await page.evaluate(background);
		await page.emulateMedia({ colorScheme: "light" });
		await page.waitForFunction((before) => getComputedStyle(document.documentElement).backgroundColor !== before, dark);
		await page.getByRole("button", { name: "Dark theme" }).click();
		expect(await page.evaluate(background)).toBe(dark);
		await page.reload();
		await shows(page, ".title .pill", "15/16 up");
		expect(await page.evaluate(background)).toBe(dark);
	});
});
