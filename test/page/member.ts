import type { Plane } from "./plane";

/** What a member says of itself; what is left out it does not report. */
export interface Says {
	guilds?: number;
	cachedUsers?: number;
	uptime?: number;
	/** By shard: its latency in seconds, or "down". */
	shards?: Record<string, number | "down">;
	/** Commands that went well, those that failed, and the seconds that most of them took. */
	commands?: number;
	errors?: number;
	p95?: 0.1 | 0.25 | 0.5 | 1 | 2.5 | 5;
	/** Instead of p95: how many commands took at most as long as each bound of the histogram. */
	durations?: number[];
	rateLimits?: number;
	interactions?: number;
}

const bounds = ["0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"];

interface Sample {
	name: string;
	labels: Record<string, string>;
	value: number;
}

/** A snapshot as argus-dpy sends it. */
export function snapshot(says: Says): unknown {
	const samples: Sample[] = [];
	const add = (name: string, value: number | undefined, labels: Record<string, string> = {}) => {
		if (value !== undefined) samples.push({ name: `discord_${name}`, labels, value });
	};
	add("guilds", says.guilds);
	add("cached_users", says.cachedUsers);
	add("uptime_seconds", says.uptime);
	for (const [shard, state] of Object.entries(says.shards ?? {})) {
		add("shard_up", state === "down" ? 0 : 1, { shard });
		if (state !== "down") add("shard_latency_seconds", state, { shard });
	}
	if (says.commands !== undefined) {
		add("app_commands_total", says.commands, { command: "play", status: "success" });
		add("app_commands_total", says.errors ?? 0, { command: "play", status: "error" });
		add("command_errors_total", says.errors ?? 0, { command: "play", error_type: "CheckFailure" });
		const reached = bounds.findIndex((bound) => Number(bound) >= (says.p95 ?? 0.25));
		for (const [i, le] of bounds.entries())
			add("app_command_duration_seconds_bucket", says.durations?.[i] ?? (i >= reached ? says.commands : 0), { command: "play", le });
	}
	add("ratelimits_total", says.rateLimits);
	add("interactions_total", says.interactions, { type: "application_command", status: "received" });
	return { metrics: { everything: { type: "gauge", samples } } };
}

/** One bot process that says exactly what a test wants, when it wants. */
export class Member {
	private lease = "";

	constructor(
		private readonly plane: Plane,
		readonly identity: string,
		readonly fleet: string,
		private readonly more: Record<string, string> = {},
	) {}

	/** Registers and, if there is something to say, says it. Returns the number. */
	async join(says?: Says): Promise<number> {
		const reply = await this.plane.post("/fleet/register", {
			identity: this.identity,
			fleet: this.fleet,
			version: "0.4.2",
			scrape_target: "10.42.0.7:9191",
			...this.more,
		});
		this.lease = String(reply["lease"]);
		if (says) await this.beat(says);
		return Number(reply["number"]);
	}

	/** Sends a sign of life, with values if there are any. */
	async beat(says?: Says): Promise<void> {
		const values = says && { snapshot: snapshot(says) };
		await this.plane.post("/fleet/heartbeat", { identity: this.identity, lease: this.lease, ...values });
	}

	/** Says goodbye: the cluster is down at once. */
	async leave(): Promise<void> {
		await this.plane.post("/fleet/leave", { identity: this.identity, lease: this.lease });
	}
}

/** A member that is well. */
export const well: Says = {
	guilds: 120,
	cachedUsers: 4200,
	uptime: 90_061,
	shards: { "0": 0.045, "1": 0.062 },
	commands: 1000,
	errors: 2,
	p95: 0.25,
	rateLimits: 0,
	interactions: 5000,
};
