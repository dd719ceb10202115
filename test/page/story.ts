import { Member, type Says } from "./member";
import type { Plane } from "./plane";

/** How often its members beat, in milliseconds; the control plane is told the same. */
export const beatEvery = 15_000;

/** The cluster that the pictures look into: its shards begin with sickShard. */
export const sick = { fleet: "asia", number: 8, identity: "asia-bot-7", shard: 28 } as const;

const regions: readonly { fleet: string; clusters: number; longitude: number }[] = [
	{ fleet: "americas", clusters: 96, longitude: -0.3 },
	{ fleet: "asia", clusters: 48, longitude: 0.4 },
	{ fleet: "europe", clusters: 120, longitude: 0.1 },
	{ fleet: "oceania", clusters: 24, longitude: 0.5 },
];

/** What a cluster is like at some minute. */
interface Condition {
	/** Nothing is heard of it. */
	silent?: boolean;
	/** It is there, and reports no values. */
	mute?: boolean;
	/** The number of its current process: another one is a restart. */
	process?: number;
	/** Latency by shard of the cluster, in seconds, or "down". */
	latency?: Record<number, number | "down">;
	/** The share of commands that fail, and the seconds that half of them take. */
	errors?: number;
	median?: number;
}

/** From 0 at one minute to 1 at another. */
const rise = (minute: number, from: number, to: number) => Math.min(1, Math.max(0, (minute - from) / (to - from)));

/** What happens in the hour to whom; everybody else is well. */
const plot: Record<string, (minute: number) => Condition> = {
	"americas-bot-12": (m) => ({ process: m < 9 ? 0 : 1 }),
	"americas-bot-13": (m) => ({ process: m < 10 ? 0 : 1 }),
	"americas-bot-14": (m) => ({ process: m < 11 ? 0 : 1 }),
	"americas-bot-60": (m) => ({ latency: { 0: 0.07 + 0.36 * rise(m, 50, 56) } }),
	"asia-bot-30": (m) => ({ silent: m > 21 && m < 26 }),
	"oceania-bot-3": (m) => ({ silent: m > 38 && m < 41, process: m < 41 ? 0 : 1 }),
	"oceania-bot-23": () => ({ mute: true }),
	"europe-bot-41": (m) => ({ silent: m > 57 }),
	[sick.identity]: (m) => ({
		latency: { 0: 0.09 + 1.15 * rise(m, 46, 58) ** 2, 1: 0.07 + 0.26 * rise(m, 50, 60), ...(m > 53 && { 2: "down" as const }) },
		errors: 0.004 + 0.07 * rise(m, 48, 56),
		median: 0.12 + 0.75 * rise(m, 47, 57),
	}),
};

/** The last clusters of Europe join when the hour is half over. */
const joinsAt = (fleet: string, i: number) => (fleet === "europe" && i >= 96 ? 33 : 0);

const commandBounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The share of durations up to a bound, when they are log-normal around a median. */
function shareUpTo(bound: number, median: number): number {
	const z = Math.log(bound / median) / 0.7;
	return 1 / (1 + Math.exp(-1.702 * z));
}

/** Numbers from 0 to 1 that look random and are the same each time. */
function random(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** One simulated bot process of the story: its counters grow as time goes by. */
class Character {
	private readonly member: Member;
	private readonly chance: () => number;
	private readonly rate: number;
	private readonly size: number;
	private beaten = 0;
	private process = -1;
	private started: number;
	private counters = { interactions: 1e6, commands: 4e5, errors: 900, rateLimits: 3, buckets: commandBounds.map(() => 4e5) };

	constructor(
		plane: Plane,
		readonly fleet: string,
		private readonly i: number,
		place: number,
		private readonly longitude: number,
	) {
		this.member = new Member(plane, `${fleet}-bot-${i}`, fleet, { scrape_target: `10.42.${place}.${i + 2}:9191` });
		this.chance = random(place * 1000 + i + 1);
		this.size = 0.6 + 0.8 * this.chance();
		this.rate = 7 * this.size;
		this.started = Date.now() - (86_400_000 * 3 + i * 977_000);
	}

	/** Does what its part says at this minute. */
	async act(minute: number): Promise<void> {
		if (minute < joinsAt(this.fleet, this.i)) return;
		const condition = plot[this.member.identity]?.(minute) ?? {};
		if (condition.silent) return;
		const process = condition.process ?? 0;
		if (process !== this.process) {
			await this.member.join();
			if (process > 0) this.started = Date.now();
			this.process = process;
		}
		await this.member.beat(condition.mute ? undefined : this.says(minute, condition));
	}

	private says(minute: number, condition: Condition): Says {
		const now = Date.now();
		const seconds = this.beaten ? (now - this.beaten) / 1000 : 0;
		this.beaten = now;
		const wave = 1 + 0.25 * Math.sin(minute / 14 + this.longitude * 6) + 0.1 * Math.sin(minute / 3.7);
		const noise = () => 0.9 + 0.2 * this.chance();
		const interactions = this.rate * wave * noise() * seconds;
		const commands = interactions * 0.6;
		const { counters } = this;
		counters.interactions += interactions;
		counters.commands += commands;
		counters.errors += commands * (condition.errors ?? 0.0035) * wave * noise();
		counters.rateLimits += this.chance() < 0.004 ? 1 : 0;
		const median = (condition.median ?? 0.12 * wave) * noise();
		counters.buckets = counters.buckets.map((n, at) => n + commands * shareUpTo(commandBounds[at] ?? 0, median));
		return {
			guilds: Math.round(300 * this.size + minute / 6 + 1.5 * Math.sin(minute / 5 + this.i)),
			cachedUsers: Math.round(12_000 * this.size * (1 + 0.02 * wave)),
			uptime: (now - this.started) / 1000,
			shards: Object.fromEntries(
				[0, 1, 2, 3].map((s) => [String(this.i * 4 + s), this.latency(condition.latency?.[s] ?? (0.045 + 0.01 * s) * wave ** 0.5)]),
			),
			commands: counters.commands,
			errors: counters.errors,
			durations: [...counters.buckets, counters.commands],
			rateLimits: counters.rateLimits,
			interactions: counters.interactions,
		};
	}

	/** Near what it should be, as measurements are. */
	private latency(of: number | "down"): number | "down" {
		return of === "down" ? of : of * (0.92 + 0.16 * this.chance());
	}
}

/** A simulated hour of 288 clusters in four fleets, in which this and that goes wrong. It takes as many real minutes as it is given. */
export class Story {
	private readonly cast: Character[];
	private readonly began = Date.now();
	private timers: NodeJS.Timeout[] = [];
	private complaint: unknown;

	constructor(
		plane: Plane,
		private readonly minutes: number,
	) {
		this.cast = regions.flatMap(({ fleet, clusters, longitude }, place) =>
			Array.from({ length: clusters }, (_, i) => new Character(plane, fleet, i, place, longitude)),
		);
	}

	/** The minute of the story, which goes on past its end. */
	get minute(): number {
		return ((Date.now() - this.began) / 60_000) * (60 / this.minutes);
	}

	/** Has everybody enter, one after the other, and from then on beat regularly. */
	async begin(): Promise<void> {
		for (const character of this.cast) await character.act(this.minute);
		this.cast.forEach((character, i) => {
			const act = () => void character.act(this.minute).catch((error: unknown) => (this.complaint = error));
			const first = setTimeout(
				() => {
					act();
					this.timers.push(setInterval(act, beatEvery));
				},
				(i / this.cast.length) * beatEvery,
			);
			this.timers.push(first);
		});
	}

	/** Waits for the end of the hour. */
	async end(): Promise<void> {
		await new Promise((resolve) => setTimeout(resolve, Math.max(0, (60.5 - this.minute) * this.minutes * 1000)));
		if (this.complaint) throw this.complaint;
	}

	stop(): void {
		for (const timer of this.timers) clearTimeout(timer);
	}
}
