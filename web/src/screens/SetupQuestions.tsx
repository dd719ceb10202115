import type { ComponentChildren } from "preact";
import { Command } from "../components/Command";
import { type Answers, type Faults, isBig, isExternal, wantsBot, wantsFleet } from "../setup/answers";
import { askDiscord } from "../setup/generate";

interface Props {
	answers: Answers;
	faults: Faults;
	change: (changes: Partial<Answers>) => void;
}

/** The questions; those that the other answers make pointless are not asked. */
export function Questions(props: Props) {
	const { answers } = props;
	return (
		<form class="questions" onSubmit={(event) => event.preventDefault()}>
			<Section title="What do you want?">
				<Choice
					{...props}
					field="parts"
					label="Parts"
					options={[
						["both", "A control plane and a bot"],
						["fleet", "A control plane"],
						["bot", "A bot"],
					]}
				/>
				<Text {...props} field="namespace" label="Namespace" />
				{answers.parts === "bot" && (
					<Choice
						{...props}
						field="fleetAt"
						label="Its control plane"
						options={[
							["here", "An ArgusFleet in the same namespace"],
							["elsewhere", "Somewhere else"],
						]}
					/>
				)}
				{isExternal(answers) ? <Elsewhere {...props} /> : <Text {...props} field="fleetName" label="Name of the control plane" />}
			</Section>
			{wantsFleet(answers) && <FleetQuestions {...props} />}
			{wantsBot(answers) && <BotQuestions {...props} />}
		</form>
	);
}

function Elsewhere(props: Props) {
	return (
		<>
			<Text {...props} field="fleetUrl" label="Address of the control plane" />
			<Choice
				{...props}
				field="viewer"
				label="The operator reads there how the bot is"
				options={[
					["yes", "Yes, with a viewer token: a rollout waits until each cluster is up"],
					["no", "No: it goes by the pods alone"],
				]}
			/>
		</>
	);
}

function FleetQuestions(props: Props) {
	const { exposure } = props.answers;
	return (
		<Section title="Control plane">
			<Choice
				{...props}
				field="exposure"
				label="Reached from outside the cluster"
				options={[
					["none", "No, by kubectl port-forward"],
					["ingress", "By an Ingress with TLS"],
					["loadbalancer", "By a LoadBalancer with TLS"],
				]}
			/>
			{exposure === "ingress" && <Text {...props} field="host" label="Host name" />}
			{exposure !== "none" && <Text {...props} field="certificate" label="Secret with the certificate" />}
			{exposure === "ingress" && <Text {...props} field="ingressFrom" label="Namespace of the ingress controller" />}
			{exposure === "ingress" && (
				<Text {...props} field="proxies" label="Addresses of the ingress controller" hint="Optional, such as 10.0.0.0/8" />
			)}
			<Choice
				{...props}
				field="leases"
				label="A bot must prove that an identity is its own"
				options={[
					["Issued", "No, as argus-dpy does by default"],
					["Required", "Yes, with the lease that it was given"],
				]}
			/>
			<Text {...props} field="prometheus" label="Take values from Prometheus" hint="Optional: http://prometheus.monitoring.svc:9090" />
			<Choice
				{...props}
				field="analytics"
				label="Look into single guilds by ClickHouse"
				options={[
					["no", "No"],
					["yes", "Yes"],
				]}
			/>
		</Section>
	);
}

function BotQuestions(props: Props) {
	return (
		<Section title="Bot">
			<Text {...props} field="botName" label="Name" />
			<Text {...props} field="image" label="Image" hint="With a tag other than latest" />
			<Numeric {...props} field="shards" label="Shards" />
			<Numeric {...props} field="clusters" label="Processes to spread them over" />
			{isBig(props.answers) && <Limits {...props} />}
			<Text {...props} field="region" label="Fleet to list it under" hint="Optional, such as europe" />
			<Choice
				{...props}
				field="secrets"
				label="Your code reads tokens from"
				options={[
					["Env", "Variables, as argus-dpy and most bots do"],
					["File", "Files (DISCORD_TOKEN_FILE)"],
				]}
			/>
			<Choice
				{...props}
				field="voice"
				label="Speaks in voice channels"
				options={[
					["no", "No"],
					["yes", "Yes: its network policy lets UDP out"],
				]}
			/>
		</Section>
	);
}

/** What Discord tells a big bot; everybody else is allowed as much as the defaults say. */
function Limits(props: Props) {
	return (
		<>
			<Numeric
				{...props}
				field="identifyLimit"
				label="Session starts that Discord allows a day"
				note="session_start_limit.total of GET /gateway/bot"
			/>
			<Numeric {...props} field="maxConcurrency" label="Session starts at a time" note="session_start_limit.max_concurrency" />
			<div class="question ask">
				<p class="field-note">{askDiscord.why}</p>
				<Command text={askDiscord.command} what={askDiscord.why} />
			</div>
		</>
	);
}

function Section({ title, children }: { title: string; children: ComponentChildren }) {
	return (
		<fieldset class="question-set">
			<legend>{title}</legend>
			{children}
		</fieldset>
	);
}

type FieldOf<T> = { [Field in keyof Answers]: Answers[Field] extends T ? Field : never }[keyof Answers];

function Text(props: Props & { field: FieldOf<string>; label: string; hint?: string }) {
	const { answers, change, field, hint } = props;
	return (
		<Field {...props}>
			{(described) => (
				<input
					type="text"
					id={`q-${field}`}
					autoComplete="off"
					spellcheck={false}
					placeholder={hint ?? ""}
					value={answers[field]}
					{...described}
					onInput={(event) => change({ [field]: event.currentTarget.value })}
				/>
			)}
		</Field>
	);
}

function Numeric(props: Props & { field: FieldOf<number>; label: string; note?: string }) {
	const { answers, change, field } = props;
	return (
		<Field {...props}>
			{(described) => (
				<input
					type="number"
					id={`q-${field}`}
					min={1}
					value={Number.isNaN(answers[field]) ? "" : answers[field]}
					{...described}
					onInput={(event) => change({ [field]: event.currentTarget.valueAsNumber })}
				/>
			)}
		</Field>
	);
}

function Choice(props: Props & { field: FieldOf<string>; label: string; options: [value: string, label: string][] }) {
	const { answers, change, field, options } = props;
	return (
		<Field {...props}>
			{() => (
				<select id={`q-${field}`} value={answers[field]} onChange={(event) => change({ [field]: event.currentTarget.value })}>
					{options.map(([value, label]) => (
						<option key={value} value={value}>
							{label}
						</option>
					))}
				</select>
			)}
		</Field>
	);
}

interface Described {
	"aria-invalid"?: "true";
	"aria-describedby"?: string;
}

function Field(props: {
	field: keyof Answers;
	label: string;
	note?: string;
	faults: Faults;
	children: (described: Described) => ComponentChildren;
}) {
	const { field, label, note, faults, children } = props;
	const fault = faults[field];
	const described: Described = {
		...(fault && { "aria-invalid": "true" }),
		...((fault || note) && { "aria-describedby": fault ? `f-${field}` : `n-${field}` }),
	};
	return (
		<div class="question">
			<label htmlFor={`q-${field}`}>{label}</label>
			{children(described)}
			{note && (
				<p class="field-note" id={`n-${field}`}>
					{note}
				</p>
			)}
			{fault && (
				<p class="field-fault" id={`f-${field}`}>
					{fault}
				</p>
			)}
		</div>
	);
}
