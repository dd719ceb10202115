import { readFileSync, writeFileSync } from "node:fs";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { ClickHouse } from "./clickhouse";
import type { Plane } from "./plane";
import { beatEvery, Story, sick } from "./story";
import { shows, World } from "./world";

/** Where the pictures go: those of the documentation, or others to look at. */
const folder = process.env["PAGE_PICTURES"]
	? new URL(`file://${process.env["PAGE_PICTURES"]}/`)
	: new URL("../../docs/images/", import.meta.url);

/** How many real minutes the hour of the story takes. The charts of the documentation show a whole one. */
const minutes = Number(process.env["PAGE_MINUTES"] ?? 60);

/** A control plane that another run of this file has started: its story is shown as far as it is. */
const running = process.env["PAGE_PLANE"];

const guild = "81384788765712384";
const env: Record<string, string> = { ARGUS_FLEET_HEARTBEAT_INTERVAL: String(beatEvery / 1000), ARGUS_FLEET_TTL_FACTOR: "3" };
let clickhouse: ClickHouse;
let story: Story | undefined;
beforeAll(async () => {
	clickhouse = await ClickHouse.start(guild);
	env["ARGUS_FLEET_CLICKHOUSE_DSN"] = clickhouse.dsn;
});
afterAll(() => {
	story?.stop();
	clickhouse.stop();
});

async function tell(plane: Plane): Promise<void> {
	process.stdout.write(`    the story takes ${minutes} minutes; meanwhile: PAGE=pictures PAGE_PLANE=${plane.url} PAGE_PICTURES=/tmp\n`);
	story = new Story(plane, minutes);
	await story.begin();
	await story.end();
}

const world = new World(env, tell, minutes + 2, running);

/** Shows the page as it is built now: the control plane that tells the story may be older. */
async function freshly(context: BrowserContext, plane: Plane): Promise<void> {
	const built = (path: string) => new URL(`../../fleetserver/ui/dist/${path}`, import.meta.url).pathname;
	await context.route(`${plane.url}/`, (route) => route.fulfill({ path: built("index.html") }));
	await context.route("**/assets/*", (route) => route.fulfill({ path: built(`assets/${route.request().url().split("/").at(-1)}`) }));
}

interface Picture {
	at: string;
	ready: [selector: string, text: string];
	width?: number;
	height?: number;
	/** Pixels of the picture for one of the page. */
	scale?: number;
	whole?: boolean;
	signedIn?: boolean;
	/** How long the screen is looked at before, in milliseconds. */
	watched?: number;
}

const cluster = `#/fleet/${sick.fleet}/cluster/${sick.number}`;

const pictures: Record<string, Picture> = {
	global: { at: "#/", ready: [".legend", "good"], height: 960 },
	fleet: { at: `#/fleet/${sick.fleet}?sort=status`, ready: ["table", sick.identity] },
	"fleet-map": { at: "#/fleet/europe?as=map&by=guilds", ready: [".legend", ""], height: 620 },
	cluster: { at: cluster, ready: [".charts canvas", ""], height: 1180 },
	shard: { at: `${cluster}/shard/${sick.shard}`, ready: ["h1", `Shard ${sick.shard}`], height: 720, watched: 4 * beatEvery },
	analytics: { at: `#/analytics?guild=${guild}`, ready: [".commands", "play"], height: 820 },
	setup: { at: "#/setup", ready: [".steps", "kubectl"], height: 960 },
	"sign-in": { at: "", ready: ["label", "Viewer token"], signedIn: false, height: 560 },
	phone: { at: "#/", ready: [".legend", "good"], width: 360, height: 740, scale: 2 },
	"phone-cluster": { at: cluster, ready: [".charts canvas", ""], width: 360, height: 740, whole: true },
	wall: { at: "#/", ready: [".legend", "good"], width: 3840, height: 2160 },
};

for (const [name, picture] of Object.entries(pictures)) {
	for (const theme of ["light", "dark"] as const) {
		test(`${name}, ${theme}`, async () => {
			const { page, context } = await world.visit({ ...picture, theme, at: "about" });
			await freshly(context, world.plane);
			await page.goto(`${world.plane.url}/${picture.at}`);
			await shows(page, ...picture.ready);
			await page.waitForTimeout(picture.watched ?? 700);
			const shot = await page.screenshot({ animations: "disabled", caret: "hide", fullPage: picture.whole ?? false });
			const file = new URL(`${name}-${theme}.png`, folder);
			writeFileSync(file, shot);
			if (readFileSync(file).length > 600_000) throw new Error(`${name} is too large a picture`);
		}, 120_000);
	}
}
