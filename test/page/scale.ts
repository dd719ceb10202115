import type { Browser, CDPSession, Page } from "playwright-core";

/** What 5,000 clusters need of the control plane. */
export const manyClusters = { ARGUS_FLEET_REGISTER_BURST: "1000000", ARGUS_FLEET_VIEW_CACHE_MS: "1000", ARGUS_FLEET_TTL_FACTOR: "8" };

/** The tasks of a page's main thread that took long, in milliseconds, longest first. */
export interface Tasks {
	/** Processor time: what the page itself is to blame for, however busy the machine is. */
	cpu: number[];
	/** Time on the clock. */
	wall: number[];
}

interface TraceEvent {
	name: string;
	ph: string;
	pid: number;
	tid: number;
	/** Microseconds on the clock and on the processor. */
	dur?: number;
	tdur?: number;
	args: { name?: string };
}

/** Traces the tasks of all pages while something happens. */
export async function traceTasks(browser: Browser, work: () => Promise<void>): Promise<Tasks> {
	const session = await browser.newBrowserCDPSession();
	const events: TraceEvent[] = [];
	session.on("Tracing.dataCollected", ({ value }) => events.push(...(value as unknown as TraceEvent[])));
	await session.send("Tracing.start", {
		transferMode: "ReportEvents",
		traceConfig: { includedCategories: ["disabled-by-default-devtools.timeline", "__metadata"], excludedCategories: ["*"] },
	});
	try {
		await work();
	} finally {
		// Also when the work failed: a browser traces one thing at a time, and the next test would fail too.
		const complete = new Promise<unknown>((resolve) => session.once("Tracing.tracingComplete", resolve));
		await session.send("Tracing.end");
		await complete;
		await session.detach();
	}
	const mains = new Set(events.filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain").map(threadOf));
	const tasks = events.filter((e) => e.ph === "X" && e.name === "RunTask" && mains.has(threadOf(e)));
	if (tasks.length === 0) throw new Error(`no tasks among ${events.length} events of the trace`);
	return { cpu: longest(tasks.map((task) => task.tdur)), wall: longest(tasks.map((task) => task.dur)) };
}

/** The longest task that is allowed while the page is in use, in milliseconds of processor time. */
export const hitch = 100;

/**
 * Traces up to three turns of the same work, until one has no task of `hitch` milliseconds. A machine that others
 * use, too, adds to a task now and then, to its processor time as well; a page that hitches does so in every turn.
 */
export async function smoothest(browser: Browser, work: () => Promise<void>): Promise<Tasks> {
	for (let turn = 1; ; turn++) {
		const tasks = await traceTasks(browser, work);
		if (turn === 3 || (tasks.cpu[0] ?? 0) < hitch) return tasks;
		report(`disturbed, once more: ${tell(tasks)}`);
	}
}

const threadOf = (event: TraceEvent) => `${event.pid} ${event.tid}`;

const longest = (microseconds: (number | undefined)[]) =>
	microseconds
		.map((duration) => (duration ?? 0) / 1000)
		.filter((duration) => duration > 25)
		.sort((a, b) => b - a);

/** "81, 40 ms of processor time (on the clock: 230, 61 ms)". */
export function tell({ cpu, wall }: Tasks): string {
	const some = (durations: number[]) => durations.slice(0, 5).map(Math.round).join(", ") || "none over 25";
	return `longest tasks: ${some(cpu)} ms of processor time (on the clock: ${some(wall)})`;
}

/** Bytes of a page's JavaScript heap after a collection, and its elements. */
export async function sizeOf(page: Page, session: CDPSession): Promise<{ heap: number; elements: number }> {
	await session.send("HeapProfiler.collectGarbage");
	const { usedSize } = await session.send("Runtime.getHeapUsage");
	return { heap: usedSize, elements: await page.evaluate(() => document.querySelectorAll("*").length) };
}

/** Prints a measurement. */
export function report(line: string): void {
	process.stdout.write(`    ${line}\n`);
}
