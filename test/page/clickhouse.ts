import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Stands in for a ClickHouse: answers the control plane's questions about one guild, and knows no other one. */
export class ClickHouse {
	private constructor(private readonly server: Server) {}

	static async start(guild: string): Promise<ClickHouse> {
		const server = createServer((request, response) => {
			const query = new URL(request.url ?? "", "http://clickhouse").searchParams;
			const known = query.get("param_guild_id") === guild;
			const question = query.get("query") ?? "";
			// One cluster has done only a part of it all.
			const commands = query.has("param_cluster") && question.includes("{cluster:String}") ? allCommands.slice(1, 3) : allCommands;
			const data = known ? answer(question, commands) : [];
			response.setHeader("Content-Type", "application/json");
			response.end(JSON.stringify({ meta: [], data, rows: data.length }));
		});
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		return new ClickHouse(server);
	}

	get dsn(): string {
		return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/argus`;
	}

	stop(): void {
		this.server.close();
		this.server.closeAllConnections();
	}
}

type Command = [name: string, count: number, averageMs: number];

const allCommands: Command[] = [
	["play", 18_422, 231.4],
	["skip", 7310, 88.2],
	["queue", 4120, 97.9],
	["volume", 988, 61],
	["lyrics", 412, 1840.3],
];

/** Rows in the form of the question that is asked. */
function answer(query: string, commands: Command[]): unknown[][] {
	if (/toDate/.test(query)) return Array.from({ length: 30 }, (_, i) => [day(i), Math.round(900 + 400 * Math.sin(i / 2.2) + i * 12)]);
	if (/LIMIT 50/i.test(query)) return commands;
	if (/LIMIT 10/i.test(query)) return commands.map(([name, n]) => [name, n]);
	return [[233.7]];
}

const day = (i: number) => new Date(Date.UTC(2026, 9, 25 + i)).toISOString().slice(0, 10);
