import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { visit } from "./browser";
import { Member, well } from "./member";
import { Plane, tokens } from "./plane";
import { shows, World } from "./world";

const world = new World({}, async (plane) => {
	await new Member(plane, "bot-0", "europe").join(well);
});

describe("signing in", () => {
	test("the page loads without a token and asks for one", async () => {
		const { page, context } = await world.visit({ signedIn: false });
		await shows(page, "h1", "Argus fleet");
		expect(await page.getByLabel("Viewer token").evaluate((input) => input === document.activeElement)).toBe(true);
		expect(await context.cookies()).toEqual([]);
	});

	test("a wrong token is refused, and the right one lets in", async () => {
		const page = await world.open({ signedIn: false });
		await page.getByLabel("Viewer token").fill(tokens.ingest);
		await page.keyboard.press("Enter");
		await shows(page, "[role=alert]", "not accepted");
		expect(await page.getByLabel("Viewer token").getAttribute("aria-invalid")).toBe("true");
		await page.getByLabel("Viewer token").fill(` ${tokens.viewer} `);
		await page.keyboard.press("Enter");
		await shows(page, ".title .pill", "1/1 up");
	});

	test("the session outlives a reload, is out of a script's reach, and ends with signing out", async () => {
		const { page, context } = await world.visit();
		await shows(page, ".title .pill", "1/1 up");
		await page.reload();
		await shows(page, ".title .pill", "1/1 up");
		expect(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }))).toBe("{}");
		await page.getByRole("button", { name: "Sign out" }).click();
		await shows(page, "label", "Viewer token");
		expect(await page.innerText("body")).not.toContain("bot-0");
		expect((await context.request.get(`${world.plane.url}/api/fleet/view`)).status()).toBe(401);
	});

	test("a token in the address is used once and leaves the address", async () => {
		const { page, context } = await world.visit({ signedIn: false });
		const asked: string[] = [];
		page.on("request", (request) => asked.push(request.url()));
		await page.goto(`${world.plane.url}/?token=${tokens.viewer}#/fleet/europe`);
		await shows(page, "h1", "europe");
		expect(page.url()).toBe(`${world.plane.url}/#/fleet/europe`);
		expect(asked.filter((url) => url.includes(tokens.viewer))).toHaveLength(1);
		expect((await context.cookies()).map((cookie) => [cookie.name, cookie.httpOnly, cookie.sameSite])).toEqual([
			["argus-session", true, "Strict"],
		]);
	});

	test("a wrong token in the address leads to the question", async () => {
		const { page } = await world.visit({ signedIn: false });
		await page.goto(`${world.plane.url}/?token=nonsense`);
		await shows(page, "[role=alert]", "not accepted");
		expect(page.url()).not.toContain("nonsense");
	});
});

test("a session whose token was withdrawn asks again, and shows nothing more", async () => {
	const env: Record<string, string> = {};
	const plane = await Plane.start(env);
	try {
		await new Member(plane, "secret-bot", "europe").join(well);
		const { page, context } = await visit(world.browser, plane);
		await shows(page, ".title .pill", "1/1 up");
		env["ARGUS_FLEET_VIEWER_TOKEN"] = "another-viewer-token";
		await plane.kill("SIGTERM");
		await plane.run();
		await shows(page, "[role=alert]", "no longer accepted", 20_000);
		expect(await page.innerText("body")).not.toContain("secret-bot");
		await context.close();
	} finally {
		await plane.stop();
	}
});

test("without tokens nobody is asked, and there is nothing to sign out of", async () => {
	const plane = await Plane.start({ ARGUS_FLEET_INGEST_TOKEN: "", ARGUS_FLEET_VIEWER_TOKEN: "" });
	try {
		const { page, context, faults } = await visit(world.browser, plane, { signedIn: false });
		await shows(page, ".empty", "No clusters are registered yet");
		expect(await page.getByRole("button", { name: "Sign out" }).count()).toBe(0);
		await page.getByRole("link", { name: "Set one up" }).click();
		await shows(page, "h1", "Set up");
		expect(faults).toEqual([]);
		await context.close();
	} finally {
		await plane.stop();
	}
});

describe("what is loaded", () => {
	test("scripts have at most 120 KB in gzip, and what has a digest in its name is kept for ever", async () => {
		const index = await fetch(`${world.plane.url}/`);
		expect(index.headers.get("cache-control")).toBe("private, no-cache");
		expect(index.headers.get("content-security-policy")).not.toMatch(/unsafe|\*/);
		const html = await index.text();
		expect(html).not.toMatch(/<script(?![^>]*src=)|<style|style=|https?:/);
		const found = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? "");
		expect(found.length).toBeGreaterThan(2);
		let scripts = 0;
		for (const path of found) {
			expect(path).toMatch(/^\/assets\/.+-[\w-]{8}\.(js|css|svg)$/);
			const reply = await fetch(world.plane.url + path);
			expect([reply.status, reply.headers.get("cache-control")]).toEqual([200, "public, max-age=31536000, immutable"]);
			const body = Buffer.from(await reply.arrayBuffer());
			if (path.endsWith(".js")) scripts += gzipSync(body).length;
		}
		expect(scripts).toBeGreaterThan(10_000);
		expect(scripts).toBeLessThan(120_000);
	});

	test("a second visit loads nothing but the index and data", async () => {
		const page = await world.open();
		await shows(page, ".title .pill", "1/1 up");
		const loaded: string[] = [];
		page.on("response", (response) => {
			if (!response.fromServiceWorker() && response.status() !== 304) loaded.push(new URL(response.url()).pathname);
		});
		await page.reload();
		await shows(page, ".title .pill", "1/1 up");
		const sizes = await page.evaluate(() =>
			performance.getEntriesByType("resource").map((entry) => [entry.name, (entry as PerformanceResourceTiming).transferSize] as const),
		);
		expect(sizes.filter(([name, size]) => name.includes("/assets/") && size > 0)).toEqual([]);
		expect(loaded.some((path) => path.startsWith("/api/"))).toBe(true);
	});
});
