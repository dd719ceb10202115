import { useEffect, useState } from "preact/hooks";
import { explain, type GuildQuery, getAverage, getCommands, getVolume } from "../api/client";
import { VolumeChart } from "../components/VolumeChart";
import { count } from "../format";
import { everyDay } from "../lib/days";
import type { Model } from "../state/model";
import { look, route } from "../state/route";

interface Answer {
	volume: [day: string, count: number][];
	commands: [name: string, count: number, averageMs: number][];
	average: number;
}

/** What is known of one guild. The address holds the question, so that it can be shared. */
export function Analytics({ model }: { model: Model | undefined }) {
	const { query } = route.value;
	const guild = query.get("guild") ?? "";
	const cluster = query.get("cluster") ?? "";
	const [text, setText] = useState(guild);
	const [chosen, setChosen] = useState(cluster);
	const identities = [...(model?.clusters.keys() ?? [])].sort();
	return (
		<>
			<header class="title">
				<h1>Analytics</h1>
			</header>
			<form
				class="analytics-form"
				onSubmit={(event) => {
					event.preventDefault();
					look({ guild: text.trim(), cluster: chosen.trim() });
				}}
			>
				<div class="question">
					<label htmlFor="guild">Guild id</label>
					<input id="guild" inputMode="numeric" required value={text} onInput={(event) => setText(event.currentTarget.value)} />
				</div>
				<div class="question">
					<label htmlFor="cluster">Cluster (optional)</label>
					<input id="cluster" list="identities" value={chosen} onInput={(event) => setChosen(event.currentTarget.value)} />
					<datalist id="identities">
						{identities.slice(0, 500).map((identity) => (
							<option key={identity} value={identity} />
						))}
					</datalist>
				</div>
				<button type="submit" class="primary">
					Load
				</button>
			</form>
			{guild ? (
				<Guild key={`${guild}\n${cluster}`} guild={guild} cluster={cluster} />
			) : (
				<p class="muted">Which guild? Its id is in Discord's developer mode.</p>
			)}
		</>
	);
}

function Guild({ guild, cluster }: { guild: string; cluster: string }) {
	const [answer, setAnswer] = useState<Answer | string | undefined>();
	useEffect(() => {
		let wanted = true;
		void ask({ guild_id: guild, ...(cluster && { cluster }) })
			.catch(explain)
			.then((reply) => wanted && setAnswer(reply));
		return () => {
			wanted = false;
		};
	}, [guild, cluster]);
	if (answer === undefined) return <p class="muted">Asking…</p>;
	if (typeof answer === "string")
		return (
			<p class="attention tone-bad" role="alert">
				{answer}
			</p>
		);
	if (answer.volume.length === 0 && answer.commands.length === 0) return <p class="muted">No data for this guild.</p>;
	return <Numbers answer={answer} />;
}

async function ask(query: GuildQuery): Promise<Answer> {
	const [volume, commands, average] = await Promise.all([getVolume(query), getCommands(query), getAverage(query)]);
	return { volume: volume.rows, commands: commands.rows, average: average.avg_ms };
}

function Numbers({ answer }: { answer: Answer }) {
	const total = answer.volume.reduce((sum, [, n]) => sum + n, 0);
	const most = Math.max(1, ...answer.commands.map(([, n]) => n));
	return (
		<>
			<dl class="cards few">
				<Figure label="Interactions, last 30 days" value={count(total)} />
				<Figure label="Commands used" value={count(answer.commands.length)} />
				<Figure label="Mean command duration" value={answer.commands.length > 0 ? `${answer.average.toFixed(1)} ms` : "–"} />
			</dl>
			<section class="panel" aria-labelledby="volume-title">
				<header class="panel-title">
					<h2 id="volume-title">Interactions by day</h2>
				</header>
				<VolumeChart rows={everyDay(answer.volume)} />
			</section>
			<section class="panel" aria-labelledby="commands-title">
				<header class="panel-title">
					<h2 id="commands-title">Commands</h2>
				</header>
				<table class="commands">
					<thead>
						<tr>
							<th scope="col">Command</th>
							<th scope="col" class="num">
								Count
							</th>
							<th scope="col" class="num">
								Mean duration
							</th>
						</tr>
					</thead>
					<tbody>
						{answer.commands.map(([name, n, ms]) => (
							<tr key={name}>
								<td>
									<meter min={0} max={most} value={n} aria-label={`share of ${name}`} /> {name}
								</td>
								<td class="num">{count(n)}</td>
								<td class="num">{ms.toFixed(1)} ms</td>
							</tr>
						))}
					</tbody>
				</table>
			</section>
		</>
	);
}

function Figure({ label, value }: { label: string; value: string }) {
	return (
		<div class="card">
			<dt>{label}</dt>
			<dd>
				<span class="value">{value}</span>
			</dd>
		</div>
	);
}
