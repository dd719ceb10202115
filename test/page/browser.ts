import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { type Plane, tokens } from "./plane";

/** Starts the Chromium of this machine. */
export async function launch(): Promise<Browser> {
	return chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ["--disable-dev-shm-usage"] });
}

/** How a page is looked at. */
export interface Look {
	theme?: "light" | "dark";
	width?: number;
	height?: number;
	scale?: number;
	/** Whether the viewer has a session from before. Default true. */
	signedIn?: boolean;
	/** The part of the address behind "#". */
	at?: string;
}

/** A page and everything that went wrong on it. */
export interface Visit {
	page: Page;
	context: BrowserContext;
	/** Errors, refused requests of the policy, and requests to another origin. */
	faults: string[];
}

/** Opens the page of a control plane in a fresh browser profile. */
export async function visit(browser: Browser, plane: Plane, look: Look = {}): Promise<Visit> {
	const context = await browser.newContext({
		viewport: { width: look.width ?? 1280, height: look.height ?? 800 },
		deviceScaleFactor: look.scale ?? 1,
		colorScheme: look.theme ?? "light",
		timezoneId: "UTC",
		locale: "en-GB",
	});
	if (look.signedIn ?? true) {
		const reply = await context.request.post(`${plane.url}/api/session`, { data: { token: tokens.viewer } });
		if (!reply.ok()) throw new Error(`signing in: ${reply.status()}`);
	}
	const page = await context.newPage();
	const faults: string[] = [];
	page.on("pageerror", (error) => faults.push(`error: ${error.stack ?? error.message}`));
	page.on("console", (message) => {
		if (message.type() === "error" && !message.text().includes("Failed to load resource")) faults.push(`console: ${message.text()}`);
	});
	page.on("request", (request) => {
		if (!request.url().startsWith(plane.url) && !request.url().startsWith("data:")) faults.push(`elsewhere: ${request.url()}`);
	});
	await page.goto(`${plane.url}/${look.at ?? ""}`);
	return { page, context, faults };
}
