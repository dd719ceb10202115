import { batch } from "@preact/signals";
import { ApiError, signOut as closeSession, explain, getConfig, signIn as openSession } from "../api/client";
import { access, config, forget, link, refusal, trouble } from "./app";
import { Live } from "./live";
import { backoff } from "./pace";

let live: Live | undefined;

/** Finds out whether the viewer is let in, and if so starts to follow the fleet. A token in the address is used and taken away. */
export async function begin(): Promise<void> {
	const token = takeTokenFromAddress();
	if (token !== undefined && (await signIn(token))) return;
	for (let failures = 1; ; failures++) {
		try {
			enter(await getConfig());
			return;
		} catch (error) {
			if (error instanceof ApiError && error.status === 401) {
				access.value = "refused";
				return;
			}
			batch(() => {
				link.value = "lost";
				trouble.value = explain(error);
			});
			await new Promise((resolve) => setTimeout(resolve, backoff(failures)));
		}
	}
}

function takeTokenFromAddress(): string | undefined {
	const query = new URLSearchParams(location.search);
	const token = query.get("token");
	if (token === null) return undefined;
	query.delete("token");
	const search = query.toString();
	history.replaceState(history.state, "", location.pathname + (search ? `?${search}` : "") + location.hash);
	return token;
}

/** Presents a token, and tells whether it was accepted; if not, `refusal` says why. */
export async function signIn(token: string): Promise<boolean> {
	try {
		await openSession(token.trim());
		enter(await getConfig());
		return true;
	} catch (error) {
		batch(() => {
			access.value = "refused";
			const wrong = error instanceof ApiError && error.status === 401;
			refusal.value = wrong ? "That token is not accepted. It must be the viewer token." : explain(error);
		});
		return false;
	}
}

function enter(known: Awaited<ReturnType<typeof getConfig>>): void {
	batch(() => {
		config.value = known;
		access.value = "granted";
		refusal.value = "";
		trouble.value = "";
		link.value = "connecting";
	});
	live?.stop();
	live = new Live();
	live.start();
}

/** Ends the session here and in the browser. */
export async function signOut(): Promise<void> {
	live?.stop();
	try {
		await closeSession();
	} catch (error) {
		trouble.value = explain(error);
		live = new Live();
		live.start();
		return;
	}
	batch(() => {
		forget();
		access.value = "refused";
		refusal.value = "";
	});
}
