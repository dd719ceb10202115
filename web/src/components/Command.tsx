import { useState } from "preact/hooks";

/** Something to copy into a terminal. */
export function Command({ text, what }: { text: string; what: string }) {
	return (
		<>
			<Copy text={text} what={what} />
			{/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
			<pre class="code" tabIndex={0}>
				{text}
			</pre>
		</>
	);
}

/** A button that copies a text, where the browser lets a page do that. */
export function Copy({ text, what }: { text: string; what: string }) {
	const [copied, setCopied] = useState("");
	const copy = async () => {
		await navigator.clipboard.writeText(text).then(
			() => setCopied(text),
			() => {}, // not allowed: the text can still be selected
		);
	};
	if (!isSecureContext) return null;
	return (
		<button type="button" class="quiet" onClick={() => void copy()} aria-label={`Copy: ${what}`}>
			{copied === text ? "Copied" : "Copy"}
		</button>
	);
}
