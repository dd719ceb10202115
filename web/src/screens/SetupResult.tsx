import { Command, Copy } from "../components/Command";
import type { Answers } from "../setup/answers";

type Generator = typeof import("../setup/generate");

/** The file and the commands that the answers make. */
export function Result({ answers, faulty, generator }: { answers: Answers; faulty: boolean; generator: Generator }) {
	if (faulty) return <p class="result faulty">Correct what is marked, and the manifests appear here.</p>;
	const text = generator.manifests(answers);
	return (
		<div class="result">
			<section aria-labelledby="result-file">
				<header class="panel-title">
					<h2 id="result-file">{generator.fileName}</h2>
					<Copy text={text} what={generator.fileName} />
					<a class="button quiet" download={generator.fileName} href={`data:application/yaml;charset=utf-8,${encodeURIComponent(text)}`}>
						Download
					</a>
				</header>
				{/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
				<pre class="code" tabIndex={0} data-testid="manifests">
					{text}
				</pre>
			</section>
			<section aria-labelledby="result-steps">
				<h2 id="result-steps">Commands</h2>
				<ol class="steps">
					{generator.steps(answers).map((step) => (
						<li key={step.command}>
							<span>{step.why}</span>
							<Command text={step.command} what={step.why} />
						</li>
					))}
				</ol>
			</section>
		</div>
	);
}
