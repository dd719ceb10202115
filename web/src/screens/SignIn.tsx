import { useEffect, useRef, useState } from "preact/hooks";
import { EyeIcon } from "../components/icons";
import { href } from "../router";
import { refusal } from "../state/app";
import { signIn } from "../state/session";

/** Asks for the viewer token, and for another one when it is not accepted. */
export function SignIn() {
	const [token, setToken] = useState("");
	const [busy, setBusy] = useState(false);
	const input = useRef<HTMLInputElement>(null);
	useEffect(() => input.current?.focus(), []);
	const submit = async () => {
		setBusy(true);
		const accepted = await signIn(token);
		setBusy(false);
		if (!accepted) input.current?.select();
	};
	return (
		<section class="sign-in">
			<h1>
				<EyeIcon /> Argus fleet
			</h1>
			<p>Sign in with the viewer token of this control plane.</p>
			<form
				onSubmit={(event) => {
					event.preventDefault();
					void submit();
				}}
			>
				<label htmlFor="token">Viewer token</label>
				<input
					id="token"
					ref={input}
					type="password"
					name="token"
					autoComplete="current-password"
					required
					value={token}
					aria-invalid={refusal.value ? "true" : undefined}
					aria-describedby="refusal"
					onInput={(event) => setToken(event.currentTarget.value)}
				/>
				<p id="refusal" class="field-fault" role="alert">
					{refusal.value}
				</p>
				<button type="submit" class="primary" disabled={busy}>
					{busy ? "Signing in…" : "Sign in"}
				</button>
			</form>
			<p class="muted">
				On Kubernetes the token is in the Secret <code>NAME-fleet-viewer</code>. It becomes a cookie of this browser that lasts twelve
				hours.
			</p>
			<p>
				<a href={href({ screen: "setup" })}>Set up a control plane or a bot</a>
			</p>
		</section>
	);
}
