import { describe, expect, test } from "vitest";
import { Member, well } from "./member";
import { tokens } from "./plane";
import { shows, World } from "./world";

const members: Member[] = [];
const world = new World({ ARGUS_FLEET_HEARTBEAT_INTERVAL: "2", ARGUS_FLEET_TTL_FACTOR: "2" }, async (plane) => {
	for (let i = 0; i < 3; i++) {
		const member = new Member(plane, `bot-${i}`, "europe");
		await member.join(well);
		members.push(member);
	}
	setInterval(() => {
		for (const member of beating) void member.beat(well).catch(() => {});
	}, 700).unref();
	for (const member of members) beating.add(member);
});
const beating = new Set<Member>();

describe("without a reload", () => {
	test("a cluster that goes down turns red, is told of, and comes back", async () => {
		const page = await world.open();
		await shows(page, ".title .pill", "3/3 up");
		await shows(page, ".link-state", "Live");
		const [member] = members;
		if (!member) throw new Error("no member");
		beating.delete(member);
		await shows(page, ".attention.tone-bad", "europe #1", 15_000);
		await shows(page, ".title .pill.q-warn", "2/3 up");
		await shows(page, ".events li:first-child", "europe #1 went down");
		await shows(page, ".legend", "1 down");
		await expect.poll(() => page.title()).toBe("(1 down) Overview · Argus fleet");
		beating.add(member);
		await shows(page, ".title .pill.q-good", "3/3 up");
		await shows(page, ".events li:first-child", "europe #1 came back");
		await shows(page, ".calm", "Nothing needs attention");
	});

	test("values move, and a new cluster appears", async () => {
		const page = await world.open({ at: "#/fleet/europe" });
		await shows(page, "table", "bot-2");
		const late = new Member(world.plane, "late", "europe");
		await late.join({ ...well, guilds: 1 });
		await shows(page, "table", "late", 3000);
		await late.beat({ ...well, guilds: 4321 });
		await shows(page, "tr:has-text('late') .c-guilds", "4,321", 3000);
		await late.leave();
		await shows(page, "tr:has-text('late') .pill", "Down", 3000);
	});
});

test("a page that slept reads the history that it has missed", async () => {
	const page = await world.open({ at: "about" });
	await page.clock.install();
	let read = 0;
	page.on("request", (request) => {
		if (request.url().includes("/api/fleet/history")) read++;
	});
	await page.goto(world.plane.url);
	await shows(page, ".link-state", "Live");
	const before = 2; // of everything, and of the one fleet
	await expect.poll(() => read).toBe(before);
	await page.clock.runFor(20_000);
	await page.waitForTimeout(3000); // in which something arrives
	expect(read).toBe(before);
	await page.clock.fastForward("05:00");
	await expect.poll(() => read).toBeGreaterThan(before);
	await shows(page, ".link-state", "Live");
});

describe("when the connection is lost", () => {
	test("the page says so, keeps what it has, greyed and with its age, and comes back by itself", async () => {
		const page = await world.open();
		await shows(page, ".title .pill", /3\/4 up/);
		await world.plane.kill();
		await shows(page, ".banner", /Connection lost\..*cannot be reached.*\ds old/s);
		await shows(page, ".link-state", "Offline");
		expect(await page.locator("main.stale").count()).toBe(1);
		await shows(page, ".title .pill", /3\/4 up/);
		await shows(page, ".banner", /[3-9]s old/);
		await world.plane.run();
		await shows(page, ".link-state", "Live", 20_000);
		expect(await page.locator("main.stale, .banner").count()).toBe(0);
		await shows(page, ".title .pill", /up/);
	});

	test("a page that is opened meanwhile says what is the matter, and recovers", async () => {
		const { page } = await world.visit();
		await page.route("**/api/**", (route) => route.abort());
		await page.reload();
		await shows(page, ".waiting, .empty", "Cannot reach the control plane");
		await page.unroute("**/api/**");
		await shows(page, ".title .pill", /up/, 10_000);
	});
});

test("without a stream to spare the page asks every five seconds, and takes one as soon as there is one", async () => {
	const ending = new AbortController();
	const headers = { Authorization: `Bearer ${tokens.viewer}` };
	const taken: Response[] = [];
	const take = async () => {
		const reply = await fetch(`${world.plane.url}/api/fleet/stream`, { headers, signal: ending.signal });
		if (reply.status === 200) taken.push(reply); // one that nobody holds would be closed
		return taken.length;
	};
	// The pages of the tests before may not be gone yet, and then make room.
	await expect.poll(take, { timeout: 60_000 }).toBe(16);
	expect(await take()).toBe(16);
	const page = await world.open();
	await shows(page, ".link-state", "Every 5 s");
	await shows(page, ".title .pill", /up/);
	const member = new Member(world.plane, "polled", "europe");
	await member.join(well);
	await shows(page, ".fleets", "europe");
	await shows(page, ".title .pill", /\/5 up/, 8000);
	expect(await page.locator(".banner, main.stale").count()).toBe(0);
	ending.abort();
	await shows(page, ".link-state", "Live", 25_000);
	await member.leave();
});
