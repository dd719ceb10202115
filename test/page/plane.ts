import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const tokens = { ingest: "ingest-token-of-the-tests", viewer: "viewer-token-of-the-tests" } as const;

/** A real argus-fleet process on loopback, with a state file of its own. */
export class Plane {
	private child: ChildProcess | undefined;
	private log = "";
	private readonly scratch = mkdtempSync(join(tmpdir(), "argus-plane-"));
	private readonly members: ChildProcess[] = [];

	private constructor(
		readonly port: number,
		private readonly env: Record<string, string>,
	) {}

	/** Starts one. Tokens are set unless the environment says otherwise; members are given a second to be silent. */
	static async start(env: Record<string, string> = {}): Promise<Plane> {
		const plane = new Plane(await freePort(), env);
		await plane.run();
		return plane;
	}

	/** Takes a control plane that runs already, and leaves it alone in the end. */
	static attach(url: string): Plane {
		return new Plane(Number(new URL(url).port), {});
	}

	get url(): string {
		return `http://127.0.0.1:${this.port}`;
	}

	/** Starts the process, again after kill(). */
	async run(): Promise<void> {
		this.child = spawn(join(bin(), "argus-fleet"), ["run"], {
			cwd: this.scratch,
			env: {
				PATH: process.env["PATH"] ?? "",
				ARGUS_FLEET_HOST: "127.0.0.1",
				ARGUS_FLEET_PORT: String(this.port),
				ARGUS_FLEET_STATE: join(this.scratch, "state.db"),
				ARGUS_FLEET_INGEST_TOKEN: tokens.ingest,
				ARGUS_FLEET_VIEWER_TOKEN: tokens.viewer,
				ARGUS_FLEET_READ_BURST: "100000",
				ARGUS_FLEET_VIEW_CACHE_MS: "250",
				// Members of tests beat once.
				ARGUS_FLEET_TTL_FACTOR: "1000",
				...this.env,
			},
			stdio: ["ignore", "ignore", "pipe"],
		});
		this.child.stderr?.on("data", (piece) => {
			this.log = (this.log + piece).slice(-8000);
		});
		await until(
			async () => (await fetch(`${this.url}/readyz`)).ok,
			15_000,
			() => `the control plane did not start: ${this.log}`,
		);
	}

	/** Ends the process as a power cut would; run() brings it back. */
	async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
		await end(this.child, signal);
		this.child = undefined;
	}

	/** Ends everything and removes the state. */
	async stop(): Promise<void> {
		await Promise.all(this.members.map((member) => end(member, "SIGKILL")));
		await this.kill();
		rmSync(this.scratch, { recursive: true, force: true });
	}

	/** Runs simulated members <prefix>-0, <prefix>-1, ... in one fleet, and waits until all are up. */
	async swarm(prefix: string, fleet: string, count: number, shards = 2): Promise<ChildProcess> {
		const member = spawn(
			join(bin(), "argus-bot"),
			["--simulate", String(count), "--shards", String(shards), "--commands", "2", "--guilds", "240"],
			{
				cwd: this.scratch,
				env: {
					PATH: process.env["PATH"] ?? "",
					DISCORD_TOKEN: "made-up",
					ARGUS_FLEET_URL: this.url,
					ARGUS_FLEET_TOKEN: tokens.ingest,
					ARGUS_FLEET_GROUP: fleet,
					ARGUS_FLEET_ID: prefix,
				},
				stdio: "ignore",
			},
		);
		this.members.push(member);
		await until(
			async () => (await this.countUp(fleet)) >= count,
			60_000,
			() => `fewer than ${count} members of ${fleet} are up: ${this.log}`,
		);
		return member;
	}

	private async countUp(fleet: string): Promise<number> {
		const reply = await fetch(`${this.url}/api/fleet/summary`, { headers: { Authorization: `Bearer ${tokens.viewer}` } });
		const summary = (await reply.json()) as { fleets: { name: string; clusters_up: number }[] };
		return summary.fleets.find((f) => f.name === fleet)?.clusters_up ?? 0;
	}

	/** Posts as a member does and returns the reply's JSON, if it has any. */
	async post(path: string, body: unknown): Promise<Record<string, unknown>> {
		const reply = await fetch(this.url + path, {
			method: "POST",
			headers: { Authorization: `Bearer ${tokens.ingest}` },
			body: JSON.stringify(body),
		});
		if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
		return reply.status === 204 ? {} : ((await reply.json()) as Record<string, unknown>);
	}
}

function bin(): string {
	const at = process.env["ARGUS_PAGE_BIN"];
	if (!at) throw new Error("ARGUS_PAGE_BIN is not set: the tests run by vitest.page.config.ts");
	return at;
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
	if (!child || child.exitCode !== null || child.signalCode !== null) return;
	child.kill(signal);
	await once(child, "exit");
}

async function freePort(): Promise<number> {
	const server = createServer();
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	server.close();
	await once(server, "close");
	if (address === null || typeof address === "string") throw new Error("no port");
	return address.port;
}

/** Waits until something holds; what it throws counts as "not yet". */
export async function until(holds: () => Promise<boolean>, milliseconds: number, complaint: () => string): Promise<void> {
	const deadline = Date.now() + milliseconds;
	while (Date.now() < deadline) {
		if (await holds().catch(() => false)) return;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	throw new Error(complaint());
}
