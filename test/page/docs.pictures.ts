import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, test } from "vitest";
import { ClickHouse } from "./clickhouse";
import { Member, type Says, well } from "./member";
import type { Plane } from "./plane";
import { shows, World } from "./world";

/** Where the pictures of the documentation are. */
const folder = new URL("../../docs/images/", import.meta.url);

/** The moment at which all pictures are taken, for the page's clock. */
const env: Record<string, string> = {};
let clickhouse: ClickHouse;
beforeAll(async () => {
	clickhouse = await ClickHouse.start("81384788765712384");
	env["ARGUS_FLEET_CLICKHOUSE_DSN"] = clickhouse.dsn;
	env["ARGUS_FLEET_HEARTBEAT_INTERVAL"] = "15";
});
afterAll(() => clickhouse.stop());

const regions: [fleet: string, clusters: number][] = [
	["americas", 96],
	["asia", 48],
	["europe", 120],
	["oceania", 24],
];

/** Some clusters are not well, so that there is something to see. */
function stateOf(fleet: string, i: number): Says | "down" | "silent" {
	const shards = Object.fromEntries(Array.from({ length: 4 }, (_, s) => [String(i * 4 + s), 0.04 + ((i * 7 + s * 13) % 50) / 1000]));
	const says: Says = {
		...well,
		guilds: 220 + ((i * 37) % 180),
		cachedUsers: 9000 + ((i * 911) % 6000),
		uptime: 86_400 * 3 + i * 977,
		shards,
	};
	if (fleet === "europe" && i === 41) return "down";
	if (fleet === "asia" && i === 7) return { ...says, errors: 74, p95: 2.5, shards: { "28": 1.24, "29": 0.31, "30": "down", "31": 0.07 } };
	if (fleet === "americas" && i === 60) return { ...says, shards: { ...shards, "240": 0.42 } };
	if (fleet === "oceania" && i === 23) return "silent";
	return says;
}

async function fill(plane: Plane): Promise<void> {
	const again: (() => Promise<void>)[] = [];
	for (const [place, [fleet, clusters]] of regions.entries()) {
		for (let i = 0; i < clusters; i++) {
			const member = new Member(plane, `${fleet}-bot-${i}`, fleet, { scrape_target: `10.42.${place}.${i + 2}:9191` });
			again.push(...(await enter(member, stateOf(fleet, i))));
			if (member.identity === sickIdentity) sick = member;
		}
	}
	// Rates come from two reports with time between them.
	await new Promise((resolve) => setTimeout(resolve, 1000));
	await Promise.all(again.map((beat) => beat()));
}

/** Has a member join in its state, and returns what it has to say later. */
async function enter(member: Member, state: Says | "down" | "silent"): Promise<(() => Promise<void>)[]> {
	await member.join(typeof state === "string" ? well : state);
	if (state === "down") await member.leave();
	if (state === "silent") await member.join();
	return typeof state === "string" ? [] : [() => member.beat(later(state))];
}

const sickIdentity = "asia-bot-7";
let sick: Member | undefined;

/** What a member says a while later. */
function later(says: Says): Says {
	const { commands = 0, errors = 0, interactions = 0 } = says;
	return { ...says, commands: commands + 1000, errors: errors + (errors > 10 ? errors : 2), interactions: interactions + 30 };
}

/** The sick cluster reports while its shard is looked at. */
async function reports(): Promise<void> {
	for (let i = 0; i < 8 && sick; i++) {
		const says = stateOf("asia", 7);
		if (typeof says === "string") return;
		await sick.beat({ ...later(later(says)), shards: { ...says.shards, "28": 1.1 + 0.09 * ((i * 5) % 4) } });
		await new Promise((resolve) => setTimeout(resolve, 400));
	}
}

const world = new World(env, fill);

/** An hour of a value, made up: the control plane of the pictures has run for a minute only. */
function hour(): { t: string; metrics: Record<string, number> }[] {
	const now = Date.now();
	return Array.from({ length: 240 }, (_, i) => {
		const wave = Math.sin(i / 17) + 0.4 * Math.sin(i / 5.3);
		return {
			t: new Date(now - (240 - i) * 15_000).toISOString(),
			metrics: {
				latency_seconds: i > 205 ? 0.2 + (i - 205) * 0.03 : 0.09 + 0.02 * wave,
				shards_up: 4,
				guilds: 300 + Math.round(i / 40),
				cached_users: 12_000 + 4 * i + 50 * wave,
				interactions_rate: 3.1 + 0.8 * wave,
				error_rate: i > 210 ? 0.004 + (i - 210) * 0.0022 : 0.004 + 0.002 * Math.abs(wave),
				duration_p95_seconds: 0.24 + 0.05 * wave,
				ratelimits_rate: Math.max(0, 0.02 * wave),
				uptime_seconds: 259_200 + i * 15,
			},
		};
	});
}

const pictures: Record<string, { at: string; ready: [string, string]; width?: number; height?: number; signedIn?: boolean }> = {
	global: { at: "#/", ready: [".legend", "down"], height: 960 },
	fleet: { at: "#/fleet/asia?sort=status", ready: ["table", "asia-bot-7"] },
	"fleet-map": { at: "#/fleet/europe?as=map&by=guilds", ready: [".legend", "down"], height: 620 },
	cluster: { at: "#/fleet/asia/cluster/8", ready: [".charts canvas", ""], height: 1180 },
	shard: { at: "#/fleet/asia/cluster/8/shard/28", ready: ["h1", "Shard 28"], height: 560 },
	analytics: { at: "#/analytics?guild=81384788765712384", ready: [".commands", "play"], height: 820 },
	setup: { at: "#/setup", ready: [".steps", "kubectl"], height: 960 },
	"sign-in": { at: "", ready: ["label", "Viewer token"], signedIn: false, height: 560 },
	phone: { at: "#/", ready: [".legend", "down"], width: 360, height: 740 },
	"phone-cluster": { at: "#/fleet/asia/cluster/8", ready: [".charts canvas", ""], width: 360, height: 740 },
	wall: { at: "#/", ready: [".legend", "down"], width: 3840, height: 2160 },
};

for (const [name, picture] of Object.entries(pictures)) {
	for (const theme of ["light", "dark"] as const) {
		test(`${name}, ${theme}`, async () => {
			const { width = 1280, height = 800 } = picture;
			const { page } = await world.visit({
				at: "about",
				theme,
				width,
				height,
				signedIn: picture.signedIn ?? true,
				scale: name === "phone" ? 2 : 1,
			});
			// Only the past is made up: everything else is what the control plane says.
			await page.route("**/api/fleet/history*", (route) => route.fulfill({ json: { history: hour() } }));
			await page.route("**/api/fleet/cluster?*", async (route) => {
				const reply = await route.fetch();
				await route.fulfill({ json: { ...(await reply.json()), history: hour() } });
			});
			await page.goto(`${world.plane.url}/${picture.at}`);
			await shows(page, ...picture.ready);
			if (name === "shard") await reports();
			await page.waitForTimeout(700);
			const shot = await page.screenshot({ animations: "disabled", caret: "hide", fullPage: name === "phone-cluster" });
			const file = new URL(
				`${name}-${theme}.png`,
				process.env["PAGE_PICTURES"] ? new URL(`file://${process.env["PAGE_PICTURES"]}/`) : folder,
			);
			writeFileSync(file, shot);
			if (readFileSync(file).length > 600_000) throw new Error(`${name} is too large a picture`);
		});
	}
}
