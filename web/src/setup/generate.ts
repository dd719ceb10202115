import { type Answers, check, defaults, isBig, isExternal, wantsBot, wantsFleet } from "./answers";
import { toYaml, type Yaml } from "./yaml";

/** Names and keys of Secrets, as the manifests refer to them and the commands make them. */
const discordSecret = (answers: Answers) => `${answers.botName}-discord`;
const externalSecret = (answers: Answers) => `${answers.botName}-fleet-token`;
const viewerSecret = (answers: Answers) => `${answers.botName}-viewer-token`;
const clickhouseSecret = (answers: Answers) => `${answers.fleetName}-clickhouse`;

const apiVersion = "argus.dev/v1alpha1";

/** The manifest of the control plane. */
export function fleetManifest(answers: Answers): Yaml {
	return {
		apiVersion,
		kind: "ArgusFleet",
		metadata: { name: answers.fleetName, namespace: answers.namespace },
		spec: {
			leases: answers.leases === "Required" ? "Required" : undefined,
			prometheus: answers.prometheus ? { url: answers.prometheus } : undefined,
			analytics: answers.analytics === "yes" ? { clickhouseDSNSecretRef: { name: clickhouseSecret(answers), key: "dsn" } } : undefined,
			tls: answers.exposure === "loadbalancer" ? { secretRef: { name: answers.certificate } } : undefined,
			service: answers.exposure === "loadbalancer" ? { type: "LoadBalancer" } : undefined,
			ingress: answers.exposure === "ingress" ? { host: answers.host, tlsSecretRef: { name: answers.certificate } } : undefined,
			networkPolicy:
				answers.exposure === "ingress"
					? { extraIngressFrom: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": answers.ingressFrom } } }] }
					: undefined,
			trustedProxies: answers.exposure === "ingress" && answers.proxies ? [answers.proxies] : undefined,
		},
	};
}

/** The manifest of the bot. */
export function botManifest(answers: Answers): Yaml {
	const env = answers.secrets === "Env" ? "Env" : undefined;
	const fleet = isExternal(answers) ? { external: elsewhere(answers) } : { ref: { name: answers.fleetName } };
	return {
		apiVersion,
		kind: "ArgusBot",
		metadata: { name: answers.botName, namespace: answers.namespace },
		spec: {
			image: answers.image,
			fleet: { ...fleet, region: answers.region || undefined, delivery: env },
			discord: { tokenSecretRef: { name: discordSecret(answers), key: "token" }, delivery: env, ...limits(answers) },
			sharding: { total: answers.shards, clusters: answers.clusters },
			// What a lease is kept in, so that the next pod has it.
			state: wantsFleet(answers) && answers.leases === "Required" ? { size: "16Mi" } : undefined,
			analytics:
				wantsFleet(answers) && answers.analytics === "yes"
					? { clickhouseDSNSecretRef: { name: clickhouseSecret(answers), key: "dsn" } }
					: undefined,
			networkPolicy: answers.voice === "yes" ? { voice: "Enabled" } : undefined,
		},
	};
}

/** A control plane that is not of the same namespace, and what the bot and the operator show it. */
const elsewhere = (answers: Answers): Yaml => ({
	url: answers.fleetUrl,
	tokenSecretRef: { name: externalSecret(answers), key: "token" },
	viewerTokenSecretRef: answers.viewer === "yes" ? { name: viewerSecret(answers), key: "token" } : undefined,
});

/** What Discord allows a big bot, where that is not what it allows everybody. */
function limits(answers: Answers): { identifyLimit?: number; maxConcurrency?: number } {
	if (!isBig(answers)) return {};
	const { identifyLimit, maxConcurrency } = answers;
	return {
		...(identifyLimit !== defaults.identifyLimit && { identifyLimit }),
		...(maxConcurrency !== defaults.maxConcurrency && { maxConcurrency }),
	};
}

/** The file to apply. */
export function manifests(answers: Answers): string {
	const documents: string[] = [];
	if (wantsFleet(answers)) documents.push(toYaml(fleetManifest(answers)));
	if (wantsBot(answers)) documents.push(toYaml(botManifest(answers)));
	return documents.join("---\n");
}

/** Something to type into a terminal, and why. */
export interface Step {
	why: string;
	command: string;
}

/** The name under which the wizard has the manifests saved. */
export const fileName = "argus.yaml";

/** What to do with the file, in order. Secrets are asked for by the terminal: they are in no file, history or process list. */
export function steps(answers: Answers): Step[] {
	const { namespace } = answers;
	const list: Step[] = [
		{
			why: "The operator, if it is not there yet.",
			command:
				"helm install argus-operator oci://ghcr.io/argus-dev/charts/argus-operator \\\n  --namespace argus-system --create-namespace",
		},
		{ why: "A namespace.", command: `kubectl create namespace ${namespace}` },
	];
	if (wantsBot(answers))
		list.push(secret("The bot's token, from the Discord developer portal.", discordSecret(answers), "token", namespace));
	if (isExternal(answers)) list.push(secret("The ingest token of the control plane.", externalSecret(answers), "token", namespace));
	if (isExternal(answers) && answers.viewer === "yes")
		list.push(secret("The viewer token of the control plane.", viewerSecret(answers), "token", namespace));
	if (wantsFleet(answers) && answers.analytics === "yes")
		list.push(secret("Where ClickHouse is: https://user:password@host:8443/database.", clickhouseSecret(answers), "dsn", namespace));
	if (wantsFleet(answers) && answers.exposure !== "none") list.push(certificate(answers));
	list.push({ why: "Everything else.", command: `kubectl apply -f ${fileName}` });
	list.push(...look(answers));
	return list;
}

/** Behind a load balancer the control plane itself shows the certificate, to the bots too: by the name of its Service, and by this authority. */
function certificate({ exposure, certificate, namespace, fleetName }: Answers): Step {
	if (exposure === "ingress")
		return {
			why: "The certificate, if cert-manager does not make it.",
			command: `kubectl create secret tls ${certificate} --namespace ${namespace} \\\n  --cert=tls.crt --key=tls.key`,
		};
	return {
		why: `The certificate, valid for ${fleetName}-fleet.${namespace}.svc too, and the authority that signed it, if cert-manager does not make it.`,
		command:
			`kubectl create secret generic ${certificate} --namespace ${namespace} \\\n` +
			"  --type=kubernetes.io/tls --from-file=tls.crt --from-file=tls.key --from-file=ca.crt",
	};
}

/** Asks for what is not to be seen, in bash and in zsh. */
const ask = (what: string) => `printf '${what}: ' >&2; read -rs SECRET && printf`;

function secret(why: string, name: string, key: string, namespace: string): Step {
	return {
		why,
		command:
			`${ask(key)} %s "$SECRET" | \\\n` +
			`  kubectl create secret generic ${name} --namespace ${namespace} \\\n` +
			`  --from-file=${key}=/dev/stdin; unset SECRET`,
	};
}

/** How to find out what a big bot is asked. The token reaches curl by its standard input: arguments show in the process list. */
export const askDiscord: Step = {
	why: "This asks Discord what it allows; look for session_start_limit.",
	command:
		`${ask("token")} 'header = "Authorization: Bot %s"' "$SECRET" | \\\n` +
		"  curl -sSK - https://discord.com/api/v10/gateway/bot; unset SECRET",
};

function look(answers: Answers): Step[] {
	const { namespace, fleetName } = answers;
	const kinds = [
		...(wantsFleet(answers) ? [`argusfleet/${fleetName}`] : []),
		...(wantsBot(answers) ? [`argusbot/${answers.botName}`] : []),
	];
	const list: Step[] = [
		{
			why: "Wait until it runs.",
			command: `kubectl wait --namespace ${namespace} --for=condition=Ready \\\n  ${kinds.join(" ")} --timeout=5m`,
		},
	];
	if (!wantsFleet(answers)) return list;
	if (answers.exposure === "none")
		list.push({
			why: "Look at it: http://localhost:9190.",
			command: `kubectl port-forward --namespace ${namespace} service/${fleetName}-fleet 9190`,
		});
	list.push({
		why: "The viewer token to sign in with.",
		command: `kubectl get secret ${fleetName}-fleet-viewer --namespace ${namespace} \\\n  -o jsonpath='{.data.token}' | base64 -d`,
	});
	return list;
}

/** The choices of the questions that have some, to try out all of them: those about the control plane, and those about the bot. */
const parts = ["both", "fleet", "bot"] as const;
const fleetChoices: Choices = {
	exposure: ["none", "ingress", "loadbalancer"],
	proxies: ["", "10.0.0.0/8"],
	leases: ["Issued", "Required"],
	prometheus: ["", "http://prometheus.monitoring.svc:9090"],
	analytics: ["no", "yes"],
};
const botChoices: Choices = {
	fleetAt: ["here", "elsewhere"],
	viewer: ["no", "yes"],
	secrets: ["File", "Env"],
	region: ["", "europe", 'yes: #1 "x"'],
	voice: ["no", "yes"],
	shards: [4, 2048],
	identifyLimit: [defaults.identifyLimit, 6000],
	maxConcurrency: [defaults.maxConcurrency, 16],
};

type Choices = { [Field in keyof Answers]?: readonly Answers[Field][] };

/**
 * One set of answers for each combination of choices that makes different manifests, with what is made of it. Those about
 * the control plane and those about the bot are not combined: they are written into different documents.
 */
export function combinations(): { answers: Answers; manifests: string }[] {
	const all = parts
		.flatMap((part) =>
			[fleetChoices, botChoices].flatMap((choices) =>
				Object.entries(choices).reduce<Answers[]>(
					(some, [field, values]) => some.flatMap((answers) => values.map((value) => ({ ...answers, [field]: value }))),
					[{ ...defaults, parts: part }],
				),
			),
		)
		.filter((answers) => Object.keys(check(answers)).length === 0);
	const different = new Map(all.map((answers) => [manifests(answers), answers]));
	return [...different].map(([text, answers]) => ({ answers, manifests: text }));
}
