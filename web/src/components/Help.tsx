import { signal } from "@preact/signals";
import { Modal } from "./Modal";

const open = signal(false);

/** Shows which keys do what. */
export function openHelp(): void {
	open.value = true;
}

const keys: [key: string, what: string][] = [
	["/", "filter the table, or find a cluster"],
	["f", "find a cluster"],
	["g", "to the overview"],
	["u", "one level up"],
	["t", "light or dark theme"],
	["↑ ↓", "from row to row, from cell to cell"],
	["?", "this list"],
];

/** The list of keys. */
export function Help() {
	if (!open.value) return null;
	const close = () => {
		open.value = false;
	};
	return (
		<Modal label="Keys" kind="help" onClose={close}>
			<h2>Keys</h2>
			<dl>
				{keys.map(([key, what]) => (
					<div key={key}>
						<dt>
							<kbd>{key}</kbd>
						</dt>
						<dd>{what}</dd>
					</div>
				))}
			</dl>
			<button type="button" class="quiet" onClick={close}>
				Close
			</button>
		</Modal>
	);
}
