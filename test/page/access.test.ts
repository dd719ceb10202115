import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { barriers } from "./axe";
import { Member, well } from "./member";
import { shows, World } from "./world";

const world = new World({}, async (plane) => {
	for (let i = 0; i < 8; i++) await new Member(plane, `bot-${i}`, "europe").join(well);
	await new Member(plane, "sick", "asia").join({ ...well, errors: 90, shards: { "0": 1.4, "1": "down", "2": 0.4 } });
	await new Member(plane, "x".repeat(128), "y".repeat(63)).join(well);
	const gone = new Member(plane, "gone", "asia");
	await gone.join(well);
	await gone.leave();
	await new Member(plane, "mute", "asia").join();
});

interface Screen {
	at?: string;
	signedIn?: boolean;
	ready: [selector: string, text: string];
	also?: (page: Page) => Promise<void>;
}

const screens: Record<string, Screen> = {
	overview: { ready: [".legend", "down"] },
	"fleet as a table": { at: "#/fleet/asia", ready: ["table", "mute"] },
	"fleet as a map": { at: "#/fleet/asia?as=map", ready: [".legend", "down"] },
	cluster: { at: "#/fleet/asia/cluster/1", ready: [".facts", "sick"] },
	"cluster that is down": { at: "#/fleet/asia/cluster/2", ready: [".facts", "gone"] },
	"cluster with long names": { at: `#/fleet/${"y".repeat(63)}/cluster/1`, ready: [".facts", "xxx"] },
	shard: { at: "#/fleet/asia/cluster/1/shard/0", ready: ["h1", "Shard 0"] },
	"analytics that is off": { at: "#/analytics", ready: [".empty", "no ClickHouse"] },
	setup: { at: "#/setup", ready: [".steps", "kubectl"] },
	"setup with mistakes": {
		at: "#/setup",
		ready: [".steps", "kubectl"],
		also: (page) => page.getByLabel("Namespace", { exact: true }).fill("No Good"),
	},
	"sign-in": { signedIn: false, ready: ["label", "Viewer token"] },
	nowhere: { at: "#/nowhere", ready: [".empty", "Nothing is at this address"] },
	find: {
		ready: [".legend", "down"],
		also: async (page) => {
			await page.keyboard.press("f");
			await page.locator("dialog input:focus").waitFor();
			await page.keyboard.type("bot");
			await shows(page, "dialog li", "bot-1");
		},
	},
};

const sizes = [
	[320, 640],
	[360, 740],
	[768, 1024],
	[3840, 2160],
	[1280, 800],
] as const;

for (const theme of ["light", "dark"] as const) {
	describe(`in the ${theme} theme`, () => {
		for (const [name, screen] of Object.entries(screens)) {
			test(`${name}: keeps nobody out, and fits a phone and a wall`, async () => {
				const page = await world.open({ ...screen, theme });
				await shows(page, ...screen.ready);
				await screen.also?.(page);
				expect(await barriers(page)).toEqual([]);
				await expect.poll(() => page.title()).toMatch(/ · Argus fleet$/);
				expect(await page.getAttribute("html", "lang")).toBe("en");
				expect(await page.locator("h1").count()).toBe(1);
				if (theme === "dark") return;
				for (const [width, height] of sizes) {
					await page.setViewportSize({ width, height });
					await page.waitForTimeout(60);
					await expect.poll(() => overflowing(page), { message: `${width} pixels wide` }).toEqual([]);
				}
			});
		}
	});
}

/** What sticks out of the window on the right. */
function overflowing(page: Page): Promise<string[]> {
	return page.evaluate(() => {
		if (document.documentElement.scrollWidth <= innerWidth) return [];
		return [...document.querySelectorAll("body *")]
			.filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !element.closest(".unseen"))
			.map((element) => element.outerHTML.slice(0, 120));
	});
}

test("the focus goes through the page in the order in which it is read, and can be seen", async () => {
	const page = await world.open();
	await shows(page, ".legend", "down");
	const stops: string[] = [];
	for (let i = 0; i < 11; i++) {
		await page.keyboard.press("Tab");
		stops.push(
			await page.evaluate(() => {
				const element = document.activeElement as HTMLElement;
				const name = element.getAttribute("aria-label") ?? element.innerText; // as it is seen
				return `${name.split("\n")[0]}${getComputedStyle(element).outlineStyle === "solid" ? "" : " (cannot be seen)"}`;
			}),
		);
	}
	expect(stops).toEqual([
		"Skip to the content",
		"Argus: overview of all fleets",
		"Set up",
		"Find a cluster",
		"Dark theme",
		"Sign out",
		"asia #2",
		"asia #1",
		"Health",
		expect.stringMatching(/^Map of clusters: 1 down/),
		"asia",
	]);
});

test("the first stop leads to the content", async () => {
	const page = await world.open();
	await shows(page, ".legend", "down");
	await page.keyboard.press("Tab");
	await page.keyboard.press("Enter");
	expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
});
