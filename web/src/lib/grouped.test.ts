import { describe, expect, test } from "vitest";
import { eventOf } from "../fixtures";
import { grouped } from "./grouped";

describe("what happened to several clusters at about one time", () => {
	const lines = (events: ReturnType<typeof eventOf>[], most = 14) =>
		grouped(events, most).map((burst) => `${burst[0].kind} ${burst.map((event) => event.identity).join(" ")}`);
	const cases: Record<string, { events: ReturnType<typeof eventOf>[]; want: string[] }> = {
		"nothing happened": { events: [], want: [] },
		"one line": {
			events: [eventOf(30, "joined", "c"), eventOf(20, "joined", "b"), eventOf(10, "joined", "a")],
			want: ["joined c b a"],
		},
		"what is in between does not divide it": {
			events: [eventOf(30, "joined", "c"), eventOf(20, "down", "x"), eventOf(10, "joined", "a")],
			want: ["joined c a", "down x"],
		},
		"more than a minute later is another line": {
			events: [eventOf(130, "joined", "c"), eventOf(69, "joined", "b")],
			want: ["joined c", "joined b"],
		},
		"a slow rollout is one line: each is close to the one before": {
			events: [eventOf(140, "restarted", "c"), eventOf(90, "restarted", "b"), eventOf(40, "restarted", "a")],
			want: ["restarted c b a"],
		},
		"another fleet is another line": {
			events: [{ ...eventOf(20, "joined", "b"), fleet: "asia" }, eventOf(10, "joined", "a")],
			want: ["joined b", "joined a"],
		},
		"a cluster to which it happens again is another line": {
			events: [eventOf(40, "down", "a"), eventOf(30, "up", "a"), eventOf(20, "down", "a")],
			want: ["down a", "up a", "down a"],
		},
	};
	for (const [name, { events, want }] of Object.entries(cases)) test(name, () => expect(lines(events)).toEqual(want));
	test("only so many lines are told", () =>
		expect(lines([eventOf(30, "down", "c"), eventOf(20, "joined", "b"), eventOf(10, "joined", "a")], 2)).toEqual(["down c", "joined b a"]));
});
