import { batch } from "@preact/signals";
import { ApiError, explain, getEvents, getView, request } from "../api/client";
import { EventParser, type ServerEvent } from "../api/sse";
import type { Delta, View } from "../api/types";
import { access, epoch, events, forget, link, model, refusal, takeDelta, takeView, trouble } from "./app";
import { backoff, hiddenPatience, historyGap, pollEvery, streamLife, streamSilence } from "./pace";

/**
 * Keeps the page up to date: a stream of changes while there is one, else the whole view every few seconds. It never gives
 * up; only a refused credential ends it.
 */
export class Live {
	private readonly ended = new AbortController();
	private lastId = "";
	private failures = 0;
	/** When something arrived last. */
	private arrivedAt = Date.now();
	/** When the control plane wants to be asked for a stream again. */
	private streamFrom = 0;
	private wake = () => {};

	/** Starts. */
	start(): void {
		const options = { signal: this.ended.signal };
		addEventListener("online", () => this.wake(), options);
		document.addEventListener("visibilitychange", () => document.hidden || this.wake(), options);
		void this.run();
	}

	/** Ends, without a further change of the page. */
	stop(): void {
		this.ended.abort();
		this.wake();
	}

	private get stopped(): boolean {
		return this.ended.signal.aborted;
	}

	private async run(): Promise<void> {
		while (!this.stopped) {
			while (document.hidden && model.peek() && !this.stopped) await this.sleep(3_600_000);
			if (await this.tryStream()) continue;
			await this.tryPoll();
			if (!this.stopped) await this.sleep(this.failures === 0 ? pollEvery : backoff(this.failures));
		}
	}

	/** Follows a stream and tells whether it lasted. Why one is refused shows when the view is asked for. */
	private async tryStream(): Promise<boolean> {
		const started = Date.now();
		if (started < this.streamFrom) return false;
		try {
			await this.stream();
		} catch (error) {
			if (error instanceof ApiError && error.retryAfter > 0) this.streamFrom = Date.now() + error.retryAfter * 1000;
			return false;
		}
		return Date.now() - started > streamLife;
	}

	private async stream(): Promise<void> {
		const attempt = new AbortController();
		const end = () => attempt.abort();
		const silence = new Timer(end, streamSilence);
		const hidden = new Timer(end, hiddenPatience);
		const options = { signal: attempt.signal };
		this.ended.signal.addEventListener("abort", end, options);
		document.addEventListener("visibilitychange", () => (document.hidden ? hidden.start() : hidden.clear()), options);
		silence.start();
		try {
			const headers: Record<string, string> = this.lastId ? { "Last-Event-ID": this.lastId } : {};
			const response = await request("/api/fleet/stream", { signal: attempt.signal, cache: "no-store", headers });
			await this.follow(response, silence);
		} finally {
			silence.clear();
			hidden.clear();
			attempt.abort();
		}
	}

	private async follow(response: Response, silence: Timer): Promise<void> {
		const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
		const parser = new EventParser();
		while (reader) {
			const piece = await reader.read().catch(() => ({ done: true as const, value: undefined }));
			if (piece.done || this.stopped) return;
			silence.start();
			for (const event of parser.push(piece.value)) this.take(event);
			if (model.peek()) this.arrived("live");
		}
	}

	private take(event: ServerEvent): void {
		if (event.name === "reset") {
			takeView(JSON.parse(event.data) as View);
			void this.readEvents();
		} else if (event.name === "change") {
			takeDelta(JSON.parse(event.data) as Delta);
		}
		this.lastId = event.id;
	}

	private async tryPoll(): Promise<void> {
		if (this.stopped || document.hidden) return;
		try {
			const view = await getView();
			if (this.stopped) return;
			takeView(view);
			this.arrived("polling");
			await this.readEvents();
		} catch (error) {
			if (!this.stopped) this.failed(error);
		}
	}

	private failed(error: unknown): void {
		if (error instanceof ApiError && error.status === 401) {
			this.stop();
			batch(() => {
				forget();
				access.value = "refused";
				refusal.value = explain(error);
			});
			return;
		}
		this.failures++;
		batch(() => {
			link.value = "lost";
			trouble.value = explain(error);
		});
	}

	private arrived(by: "live" | "polling"): void {
		this.failures = 0;
		const gap = Date.now() - this.arrivedAt > historyGap;
		this.arrivedAt = Date.now();
		batch(() => {
			if (gap || link.peek() === "lost") epoch.value++;
			link.value = by;
			trouble.value = "";
		});
	}

	private async readEvents(): Promise<void> {
		try {
			const latest = await getEvents();
			if (!this.stopped) events.value = latest.reverse();
		} catch {
			// They are the least of what is shown, and no reason to call the connection lost.
			setTimeout(() => this.stopped || void this.readEvents(), pollEvery);
		}
	}

	private sleep(milliseconds: number): Promise<void> {
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, milliseconds);
			this.wake = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}
}

/** Something that happens after a while unless it is put off. */
class Timer {
	private handle: ReturnType<typeof setTimeout> | undefined;

	constructor(
		private readonly action: () => void,
		private readonly after: number,
	) {}

	start(): void {
		this.clear();
		this.handle = setTimeout(this.action, this.after);
	}

	clear(): void {
		clearTimeout(this.handle);
	}
}
