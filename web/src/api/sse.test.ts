import { describe, expect, test } from "vitest";
import { EventParser } from "./sse";

const stream =
	": hello\n\n" +
	'id: a-1\nevent: reset\ndata: {"a": 1}\n\n' +
	": still here\n\n" +
	"id: a-2\nevent: change\ndata: {}\n\n" +
	"data:one\ndata: two\n\n" +
	"id: a-3\n\n";

const want = [
	{ id: "a-1", name: "reset", data: '{"a": 1}' },
	{ id: "a-2", name: "change", data: "{}" },
	{ id: "a-2", name: "message", data: "one\ntwo" },
];

describe("server-sent events", () => {
	test("in one piece", () => expect(new EventParser().push(stream)).toEqual(want));
	for (const size of [1, 2, 3, 7, 20]) {
		test(`in pieces of ${size}`, () => {
			const parser = new EventParser();
			const events = [];
			for (let i = 0; i < stream.length; i += size) events.push(...parser.push(stream.slice(i, i + size)));
			expect(events).toEqual(want);
		});
	}
	test("a large one in many pieces takes time in proportion", () => {
		const parser = new EventParser();
		const data = "x".repeat(8 << 20);
		parser.push("event: reset\ndata: ");
		const started = performance.now();
		for (let i = 0; i < data.length; i += 4096) parser.push(data.slice(i, i + 4096));
		expect(parser.push("\n\n")).toEqual([{ id: "", name: "reset", data }]);
		expect(performance.now() - started).toBeLessThan(1000);
	});
});
