/** What the wizard asks. None of it is a secret: tokens are typed into a terminal, never into a page. */
export interface Answers {
	/** What is wanted: a control plane, a bot, or both. */
	parts: "both" | "fleet" | "bot";
	namespace: string;
	fleetName: string;
	/** Who can reach the control plane from outside the Kubernetes cluster. */
	exposure: "none" | "ingress" | "loadbalancer";
	/** The name that people type in, for an ingress. */
	host: string;
	/** The Secret with the certificate, for an ingress or a load balancer. */
	certificate: string;
	/** The namespace of the ingress controller, which the network policy lets in. */
	ingressFrom: string;
	/** Where the ingress controller's requests come from, as a CIDR; "" to leave it open. */
	proxies: string;
	leases: "Issued" | "Required";
	/** Prometheus from which values are taken; "" for none. */
	prometheus: string;
	/** Whether guilds are looked into by ClickHouse. */
	analytics: "no" | "yes";
	/** Where the bot's control plane is: the one made here or in the namespace already, or elsewhere. */
	fleetAt: "here" | "elsewhere";
	/** Its address, when it is elsewhere. */
	fleetUrl: string;
	/** Whether the operator reads there how the bot is, which takes a viewer token. */
	viewer: "no" | "yes";
	botName: string;
	image: string;
	/** How the bot's code reads tokens: from files, or from variables as argus-dpy and most bots do. */
	secrets: "File" | "Env";
	/** The fleet (group) that the clusters are listed under; "" for "default". */
	region: string;
	shards: number;
	clusters: number;
	/** What Discord allows a big bot: session starts in a day, and at a time. */
	identifyLimit: number;
	maxConcurrency: number;
	/** Whether it speaks in voice channels, which takes UDP to anywhere. */
	voice: "no" | "yes";
}

export const defaults: Answers = {
	parts: "both",
	namespace: "bots",
	fleetName: "main",
	exposure: "none",
	host: "argus.example.com",
	certificate: "argus-tls",
	ingressFrom: "ingress-nginx",
	proxies: "",
	leases: "Issued",
	prometheus: "",
	analytics: "no",
	fleetAt: "here",
	fleetUrl: "https://argus.example.com",
	viewer: "yes",
	botName: "mybot",
	image: "ghcr.io/you/yourbot:1.0.0",
	secrets: "Env",
	region: "",
	shards: 4,
	clusters: 2,
	identifyLimit: 1000,
	maxConcurrency: 1,
	voice: "no",
};

/** Discord allows every bot as much as the defaults say, and more to those with so many guilds that they have so many shards. */
const bigFrom = 64;

/** Whether Discord may allow the bot more session starts than it allows everybody. */
export const isBig = (answers: Answers) => wantsBot(answers) && answers.shards >= bigFrom;

/** Whether the answers call for a control plane of one's own. */
export const wantsFleet = (answers: Answers) => answers.parts !== "bot";

/** Whether the answers call for a bot. */
export const wantsBot = (answers: Answers) => answers.parts !== "fleet";

/** Whether the bot beats to a control plane that another operator, or none, runs. */
export const isExternal = (answers: Answers) => answers.parts === "bot" && answers.fleetAt === "elsewhere";

const objectName = /^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/;
const namespaceName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const hostName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/;
const imageName = /^([^\s@/]+\/)*[^\s@/:]+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const digest = /^[^\s@]+@sha256:[a-f0-9]{64}$/;
const ipv4Range = /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/;

/** What must be changed before the answers can be used, by field; empty when nothing must. */
export type Faults = Partial<Record<keyof Answers, string>>;

/** Checks the answers that matter, as the API server will. */
export function check(answers: Answers): Faults {
	const faults: Faults = {};
	const want = (field: keyof Answers, holds: boolean, text: string) => {
		if (!holds) faults[field] = text;
	};
	want("namespace", namespaceName.test(answers.namespace), "Lower-case letters, digits and hyphens, 63 at the most.");
	if (!isExternal(answers))
		want("fleetName", objectName.test(answers.fleetName), "A lower-case letter first, then letters, digits and hyphens, 40 at the most.");
	if (wantsFleet(answers)) checkFleet(answers, want);
	if (wantsBot(answers)) checkBot(answers, want);
	return faults;
}

type Want = (field: keyof Answers, holds: boolean, text: string) => void;

function checkFleet(answers: Answers, want: Want): void {
	if (answers.exposure !== "none")
		want("certificate", namespaceName.test(answers.certificate), "The name of a Secret: lower-case letters, digits and hyphens.");
	if (answers.exposure === "ingress") {
		want("host", hostName.test(answers.host) && answers.host.length <= 253, "A DNS name in lower case, such as argus.example.com.");
		want("ingressFrom", namespaceName.test(answers.ingressFrom), "The name of a namespace: lower-case letters, digits and hyphens.");
		want("proxies", answers.proxies === "" || validRange(answers.proxies), "An address range such as 10.0.0.0/8, or nothing.");
	}
	want("prometheus", answers.prometheus === "" || validUrl(answers.prometheus), "http://host:port or https://host:port, or nothing.");
}

function checkBot(answers: Answers, want: Want): void {
	want("botName", objectName.test(answers.botName), "A lower-case letter first, then letters, digits and hyphens, 40 at the most.");
	want("image", validImage(answers.image), "An image with a tag other than latest, or with a digest.");
	want("region", [...answers.region].length <= 63 && !/\p{Cc}/u.test(answers.region), "63 characters at the most.");
	want("shards", whole(answers.shards, 16_384), "A whole number from 1 to 16,384.");
	want(
		"clusters",
		whole(answers.clusters, 256) && answers.clusters <= answers.shards,
		"A whole number from 1 to 256, and no more than there are shards.",
	);
	if (isBig(answers)) {
		want(
			"identifyLimit",
			whole(answers.identifyLimit, 1_000_000) && answers.identifyLimit >= answers.shards,
			"A whole number up to 1,000,000, and no less than there are shards: each starts a session.",
		);
		want("maxConcurrency", whole(answers.maxConcurrency, 1024), "A whole number from 1 to 1,024.");
	}
	if (isExternal(answers))
		want("fleetUrl", validUrl(answers.fleetUrl), "https://host or http://host:port, without user, query or fragment.");
}

const whole = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most;

const validImage = (image: string) => image.length <= 512 && ((imageName.test(image) && !image.endsWith(":latest")) || digest.test(image));

function validRange(text: string): boolean {
	const [address = "", bits = ""] = text.split("/");
	return (
		ipv4Range.test(text) && address.split(".").every((part) => Number(part) <= 255 && String(Number(part)) === part) && Number(bits) <= 32
	);
}

function validUrl(text: string): boolean {
	if (/[@?#\s]/.test(text) || text.length > 2048 || !URL.canParse(text)) return false;
	const { protocol, hostname } = new URL(text);
	return (protocol === "http:" || protocol === "https:") && hostname !== "";
}
