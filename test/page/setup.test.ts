import { describe, expect, test } from "vitest";
import { shows, World } from "./world";

const world = new World();

describe("the setup wizard", () => {
	test("works before signing in, and sends nothing", async () => {
		const page = await world.open({ signedIn: false });
		await page.getByRole("link", { name: "Set up a control plane or a bot" }).click();
		await shows(page, ".steps", "kubectl apply -f argus.yaml");
		const requests: string[] = [];
		page.on("request", (request) => requests.push(request.url()));
		await page.getByLabel("Namespace", { exact: true }).fill("production");
		await page.getByLabel("Reached from outside the cluster").selectOption("ingress");
		await page.getByLabel("Host name").fill("fleet.example.org");
		await page.getByLabel("Fleet to list it under").fill("europe");
		await page.getByLabel("Shards").fill("48");
		const text = await page.getByTestId("manifests").innerText();
		for (const line of ["namespace: production", "host: fleet.example.org", "name: argus-tls", "region: europe", "total: 48"])
			expect(text).toContain(line);
		await shows(page, ".steps", "--namespace production");
		expect(requests.filter((url) => !url.startsWith("data:"))).toEqual([]);
	});

	test("asks a big bot, and nobody else, what Discord allows it", async () => {
		const page = await world.open({ at: "#/setup" });
		await shows(page, ".steps", "kubectl");
		const daily = page.getByLabel("Session starts that Discord allows a day");
		expect(await daily.count()).toBe(0);
		await page.getByLabel("Shards").fill("2048");
		await shows(page, ".result", "Correct what is marked"); // a thousand a day would not start them all
		expect(await page.locator(`#${await daily.getAttribute("aria-describedby")}`).innerText()).toContain("no less than there are shards");
		await shows(page, ".ask", "https://discord.com/api/v10/gateway/bot"); // there while the answer is wrong
		await daily.fill("6000");
		await page.getByLabel("Session starts at a time").fill("16");
		await page.getByLabel("Speaks in voice channels").selectOption("yes");
		const text = await page.getByTestId("manifests").innerText();
		for (const line of ["identifyLimit: 6000", "maxConcurrency: 16", "voice: Enabled"]) expect(text).toContain(line);
		expect(await page.locator(`#${await daily.getAttribute("aria-describedby")}`).innerText()).toContain("session_start_limit.total");
	});

	test("marks what cannot be used, and says why", async () => {
		const page = await world.open({ at: "#/setup" });
		await page.getByLabel("Image").fill("ghcr.io/you/yourbot:latest");
		await shows(page, ".result", "Correct what is marked");
		const image = page.getByLabel("Image");
		expect(await image.getAttribute("aria-invalid")).toBe("true");
		expect(await page.locator(`#${await image.getAttribute("aria-describedby")}`).innerText()).toContain("other than latest");
		await image.fill("ghcr.io/you/yourbot:2.0.0");
		await shows(page, "[data-testid=manifests]", "yourbot:2.0.0");
	});

	test("gives the file to save", async () => {
		const page = await world.open({ at: "#/setup" });
		await shows(page, ".steps", "kubectl");
		const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()]);
		expect(download.suggestedFilename()).toBe("argus.yaml");
		const chunks: Buffer[] = [];
		for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
		expect(Buffer.concat(chunks).toString()).toBe(await page.getByTestId("manifests").evaluate((pre) => pre.textContent));
	});
});
