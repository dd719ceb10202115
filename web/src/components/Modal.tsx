import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Props {
	label: string;
	kind?: string;
	onClose: () => void;
	onKeyDown?: (event: KeyboardEvent) => void;
	children: ComponentChildren;
}

/** A dialog in front of everything else; Escape and a click beside it close it, and the focus goes back where it was. */
export function Modal({ label, kind = "", onClose, onKeyDown, children }: Props) {
	const dialog = useRef<HTMLDialogElement>(null);
	useEffect(() => {
		const opener = document.activeElement as HTMLElement | null;
		dialog.current?.showModal();
		return () => opener?.focus();
	}, []);
	return (
		<dialog ref={dialog} class={`find ${kind}`} aria-label={label} closedby="any" onClose={onClose} onKeyDown={onKeyDown}>
			{children}
		</dialog>
	);
}
