import type { ClusterDetail, Config, FleetEvent, HistoryPoint, Rows, View } from "./types";

/** How long a request may take, in milliseconds. A view may wait ten seconds for Prometheus. */
const patience = 15_000;

/** A reply that is no success, or, with the status 0, no reply at all. */
export class ApiError extends Error {
	constructor(
		readonly status: number,
		message: string,
		/** Seconds that the control plane asks to wait, or 0. */
		readonly retryAfter = 0,
	) {
		super(message);
	}
}

/** One line for a person, from whatever was thrown. */
export function explain(error: unknown): string {
	if (!(error instanceof ApiError)) return "Something went wrong on this page.";
	switch (error.status) {
		case 0:
			return "The control plane cannot be reached.";
		case 401:
			return "The viewer token is no longer accepted.";
		case 429:
			return `Too many requests from this address${error.retryAfter ? `; next try in ${error.retryAfter} s` : ""}.`;
		default:
			return `The control plane answered ${error.status}: ${error.message}.`;
	}
}

/** Asks for something and returns the reply if it is a success. Rejects with an ApiError. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
	let response: Response;
	try {
		response = await fetch(path, { credentials: "same-origin", ...init });
	} catch (cause) {
		throw new ApiError(0, cause instanceof Error ? cause.message : "no reply");
	}
	if (!response.ok) {
		const text = (await response.text().catch(() => "")).trim().slice(0, 200);
		throw new ApiError(response.status, text || response.statusText, Number(response.headers.get("Retry-After")) || 0);
	}
	return response;
}

async function json<T>(path: string, query: Record<string, string> = {}): Promise<T> {
	const search = new URLSearchParams(query).toString();
	const response = await request(search ? `${path}?${search}` : path, { signal: AbortSignal.timeout(patience) });
	try {
		return (await response.json()) as T;
	} catch {
		throw new ApiError(0, "the reply was cut off");
	}
}

export const getConfig = () => json<Config>("/api/config");
export const getView = () => json<View>("/api/fleet/view");
/** The latest events, oldest first. */
export const getEvents = async () => (await json<{ events: FleetEvent[] | null }>("/api/fleet/events")).events ?? [];
export const getCluster = (fleet: string, number: number) => json<ClusterDetail>("/api/fleet/cluster", { fleet, number: String(number) });
/** The last hour of one fleet, or of all by "". */
export const getHistory = async (fleet: string) =>
	(await json<{ history: HistoryPoint[] }>("/api/fleet/history", fleet ? { fleet } : {})).history;

/** Turns a viewer token into a cookie that scripts cannot read. */
export async function signIn(token: string): Promise<void> {
	await request("/api/session", {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ token }),
		signal: AbortSignal.timeout(patience),
	});
}

export async function signOut(): Promise<void> {
	await request("/api/session", { method: "DELETE", signal: AbortSignal.timeout(patience) });
}

/** A guild, perhaps narrowed down to one cluster. */
export interface GuildQuery {
	guild_id: string;
	cluster?: string;
}

const question = <T>(name: string, query: GuildQuery) => json<T>(`/api/fleet/analytics/${name}`, { ...query });

/** Interactions by day. */
export const getVolume = (query: GuildQuery) => question<Rows<[day: string, count: number]>>("interaction-volume", query);
/** The most used commands with their mean duration in milliseconds. */
export const getCommands = (query: GuildQuery) => question<Rows<[name: string, count: number, averageMs: number]>>("command-stats", query);
/** The mean duration of all commands in milliseconds. */
export const getAverage = (query: GuildQuery) => question<{ avg_ms: number }>("avg-duration", query);
