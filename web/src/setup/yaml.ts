/** What can be written as YAML. Keys with undefined are left out. */
export type Yaml = string | number | boolean | readonly Yaml[] | { readonly [key: string]: Yaml | undefined };

/** Words that YAML 1.1 readers take for something else than text. */
const reserved = /^(true|false|yes|no|on|off|null|nan|inf|[yn])$/i;
const plain = /^[A-Za-z_][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*$/;

/** Writes a value in block style. Text that could be read as anything else is quoted, as in JSON. */
export function toYaml(value: Yaml): string {
	return `${block(value, 0).replace(/^\n/, "")}\n`;
}

function block(value: Yaml, depth: number): string {
	const indent = "  ".repeat(depth);
	if (Array.isArray(value)) {
		if (value.length === 0) return " []";
		return value.map((item: Yaml) => `\n${indent}-${block(item, depth + 1).replace(/^\n\s*/, " ")}`).join("");
	}
	if (typeof value === "object") {
		const entries = Object.entries(value).filter((entry): entry is [string, Yaml] => entry[1] !== undefined);
		if (entries.length === 0) return " {}";
		return entries.map(([key, item]) => `\n${indent}${key}:${block(item, depth + 1)}`).join("");
	}
	return ` ${scalar(value)}`;
}

function scalar(value: string | number | boolean): string {
	if (typeof value !== "string") return String(value);
	return plain.test(value) && !reserved.test(value) ? value : JSON.stringify(value);
}
