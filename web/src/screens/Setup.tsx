import { useState } from "preact/hooks";
import { type Answers, check, defaults, type Faults } from "../setup/answers";
import * as generator from "../setup/generate";
import { Questions } from "./SetupQuestions";
import { Result } from "./SetupResult";

/** Writes the manifests of a control plane and a bot from a few questions. Nothing leaves the browser, and no secret is asked for. */
export function Setup() {
	const [answers, setAnswers] = useState<Answers>(defaults);
	const faults: Faults = check(answers);
	const change = (changes: Partial<Answers>) => setAnswers((before) => ({ ...before, ...changes }));
	return (
		<>
			<header class="title">
				<h1>Set up</h1>
			</header>
			<p class="lead">
				A few questions, and you have the manifests and commands. Everything happens in this page: nothing is sent anywhere, and it asks for
				no token.
			</p>
			<div class="setup">
				<Questions answers={answers} faults={faults} change={change} />
				<Result answers={answers} faulty={Object.keys(faults).length > 0} generator={generator} />
			</div>
		</>
	);
}
