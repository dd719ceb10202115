import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { type Look, launch, type Visit, visit } from "./browser";
import { Plane } from "./plane";

/** A browser and a control plane for the tests of one file. */
export class World {
	browser!: Browser;
	plane!: Plane;
	private visits: Visit[] = [];

	/**
	 * Prepares both before the file's tests and fills the fleet, in two minutes unless it is given more; checks after each
	 * test that no page had a fault. A control plane that runs already is taken as it is.
	 */
	constructor(env: Record<string, string> = {}, fill: (plane: Plane) => Promise<void> = async () => {}, minutes = 2, running?: string) {
		beforeAll(async () => {
			[this.browser, this.plane] = await Promise.all([launch(), running ? Plane.attach(running) : Plane.start(env)]);
			if (!running) await fill(this.plane);
		}, minutes * 60_000);
		afterEach(async () => {
			const faults = this.visits.flatMap((v) => v.faults);
			await Promise.all(this.visits.map((v) => v.context.close()));
			this.visits = [];
			expect(faults).toEqual([]);
		});
		afterAll(async () => {
			await this.browser?.close();
			await this.plane?.stop();
		});
	}

	/** Opens the page. */
	async open(look: Look = {}): Promise<Page> {
		return (await this.visit(look)).page;
	}

	/** Opens the page and returns what surrounds it too. */
	async visit(look: Look = {}): Promise<Visit> {
		const opened = await visit(this.browser, this.plane, look);
		this.visits.push(opened);
		return opened;
	}
}

/** Waits until a part of the page has a text. */
export async function shows(page: Page, selector: string, text: string | RegExp, timeout = 10_000): Promise<void> {
	try {
		await page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout });
	} catch {
		const there = await page.locator(selector).allInnerTexts();
		throw new Error(
			`${selector} never showed ${text}; it shows ${JSON.stringify(there)} on a page that says: ${await page.innerText("body")}`,
		);
	}
}

/** The address behind "#". */
export const place = (page: Page): string => new URL(page.url()).hash;
