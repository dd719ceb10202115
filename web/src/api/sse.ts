/** One server-sent event. */
export interface ServerEvent {
	id: string;
	name: string;
	data: string;
}

/**
 * Reads server-sent events out of pieces of text, as they come from the network. EventSource is not used because it tells
 * nothing of a refusal's status, cannot resume after a reload of the connection, and does not show that a peer is silent.
 */
export class EventParser {
	/** Pieces of a line that has not ended yet: a large event comes in hundreds of them. */
	private partial: string[] = [];
	private id = "";
	private name = "";
	private data: string[] = [];

	/** Returns the events that this piece completes. */
	push(piece: string): ServerEvent[] {
		const events: ServerEvent[] = [];
		let start = 0;
		for (let end = piece.indexOf("\n"); end >= 0; end = piece.indexOf("\n", start)) {
			this.partial.push(piece.slice(start, end));
			start = end + 1;
			this.line(this.partial.join(""), events);
			this.partial = [];
		}
		if (start < piece.length) this.partial.push(piece.slice(start));
		return events;
	}

	private line(line: string, events: ServerEvent[]): void {
		if (line === "") {
			if (this.data.length > 0) events.push({ id: this.id, name: this.name || "message", data: this.data.join("\n") });
			this.name = "";
			this.data = [];
			return;
		}
		const colon = line.indexOf(":");
		const field = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
		if (field === "id") this.id = value;
		if (field === "event") this.name = value;
		if (field === "data") this.data.push(value);
	}
}
