import { describe, expect, test } from "vitest";
import { type Answers, check, defaults } from "./answers";
import { askDiscord, combinations, manifests, steps } from "./generate";
import { toYaml, type Yaml } from "./yaml";

const answers = (changes: Partial<Answers> = {}): Answers => ({ ...defaults, ...changes });

describe("what is written", () => {
	test("by default: a control plane and a bot that joins it", () => {
		expect(manifests(answers())).toBe(`apiVersion: argus.dev/v1alpha1
kind: ArgusFleet
metadata:
  name: main
  namespace: bots
spec: {}
---
apiVersion: argus.dev/v1alpha1
kind: ArgusBot
metadata:
  name: mybot
  namespace: bots
spec:
  image: ghcr.io/you/yourbot:1.0.0
  fleet:
    ref:
      name: main
    delivery: Env
  discord:
    tokenSecretRef:
      name: mybot-discord
      key: token
    delivery: Env
  sharding:
    total: 4
    clusters: 2
`);
	});

	test("no answer makes a manifest or a command with a token in it", () => {
		for (const { answers: chosen, manifests: text } of combinations()) {
			expect(check(chosen)).toEqual({});
			expect(text).not.toMatch(/stringData|^\s*token:/m);
			for (const step of steps(chosen)) expect(step.command).not.toContain("--from-literal");
		}
	});

	test("every Secret that the manifests name is made by a command", () => {
		for (const { answers: chosen, manifests: text } of combinations()) {
			const commands = steps(chosen)
				.map((step) => step.command)
				.join("\n");
			for (const [, name] of text.matchAll(/SecretRef:\n\s+name: (\S+)|secretRef:\n\s+name: (\S+)/g))
				expect(commands).toContain(` ${name ?? ""} `);
		}
	});

	test("for a big bot: what Discord allows it, and how to ask", () => {
		const big = { shards: 128, clusters: 8, identifyLimit: 2000, maxConcurrency: 16 };
		expect(manifests(answers(big))).toContain("    delivery: Env\n    identifyLimit: 2000\n    maxConcurrency: 16\n");
		expect(askDiscord.command).toBe(
			`printf 'token: ' >&2; read -rs SECRET && printf 'header = "Authorization: Bot %s"' "$SECRET" | \\\n` +
				"  curl -sSK - https://discord.com/api/v10/gateway/bot; unset SECRET",
		);
		for (const usual of [
			{ ...big, identifyLimit: 1000, maxConcurrency: 1 },
			{ ...big, shards: 63 },
		])
			expect(manifests(answers(usual))).not.toMatch(/identifyLimit|maxConcurrency/);
	});

	test("for who comes from outside: a way through the network policy, and a certificate that bots can check", () => {
		const ingress = answers({ exposure: "ingress", ingressFrom: "traefik" });
		expect(manifests(ingress)).toContain("          matchLabels:\n            kubernetes.io/metadata.name: traefik\n");
		expect(steps(ingress).some(({ command }) => command.includes("secret tls argus-tls "))).toBe(true);
		const balanced = steps(answers({ exposure: "loadbalancer" })).find(({ why }) => why.startsWith("The certificate"));
		expect(balanced?.why).toContain(" main-fleet.bots.svc ");
		for (const key of ["tls.crt", "tls.key", "ca.crt"]) expect(balanced?.command).toContain(` --from-file=${key}`);
	});

	test("for leases that are asked for: a place where they outlive the pod", () => {
		expect(manifests(answers({ leases: "Required" }))).toContain(`  state:\n    size: "16Mi"\n`);
		expect(manifests(answers({ leases: "Required", parts: "fleet" }))).not.toContain("state:");
	});

	test("for voice and for single guilds: what the bot needs of them", () => {
		expect(manifests(answers({ voice: "yes" }))).toContain("  networkPolicy:\n    voice: Enabled\n");
		const secret = "clickhouseDSNSecretRef:\n      name: main-clickhouse\n";
		expect(manifests(answers({ analytics: "yes" })).split(secret)).toHaveLength(3);
		expect(manifests(answers({ analytics: "yes", parts: "bot" }))).not.toContain(secret);
	});

	test("for a control plane elsewhere: the token to read it with, if the operator shall", () => {
		const far = { parts: "bot", fleetAt: "elsewhere" } as const;
		expect(manifests(answers(far))).toContain(`    external:
      url: https://argus.example.com
      tokenSecretRef:
        name: mybot-fleet-token
        key: token
      viewerTokenSecretRef:
        name: mybot-viewer-token
        key: token
`);
		const unread = answers({ ...far, viewer: "no" });
		expect(manifests(unread)).not.toContain("viewer");
		expect(steps(unread).some(({ command }) => command.includes("viewer"))).toBe(false);
	});

	test("there are many combinations, and no two alike", () => {
		const all = combinations().map((combination) => combination.manifests);
		expect(all.length).toBeGreaterThan(100);
		expect(new Set(all).size).toBe(all.length);
	});
});

describe("answers that cannot be used", () => {
	const cases: Record<string, { changes: Partial<Answers>; fields: (keyof Answers)[] }> = {
		"all is well": { changes: {}, fields: [] },
		"a namespace in capitals": { changes: { namespace: "Bots" }, fields: ["namespace"] },
		"a name that is too long": { changes: { botName: "a".repeat(41) }, fields: ["botName"] },
		"a name that a shell would run": { changes: { fleetName: "a;rm" }, fields: ["fleetName"] },
		"an image without a tag": { changes: { image: "ghcr.io/you/yourbot" }, fields: ["image"] },
		"an image tagged latest": { changes: { image: "you/yourbot:latest" }, fields: ["image"] },
		"an image with a digest": { changes: { image: `you/yourbot@sha256:${"a".repeat(64)}` }, fields: [] },
		"more processes than shards": { changes: { clusters: 5 }, fields: ["clusters"] },
		"no number": { changes: { shards: Number.NaN }, fields: ["shards", "clusters"] },
		"a region with a line break": { changes: { region: "a\nb" }, fields: ["region"] },
		"an ingress without a host": { changes: { exposure: "ingress", host: "" }, fields: ["host"] },
		"the host of an ingress that is not wanted": { changes: { host: "" }, fields: [] },
		"an ingress controller from nowhere": { changes: { exposure: "ingress", ingressFrom: "" }, fields: ["ingressFrom"] },
		"a range that is none": { changes: { exposure: "ingress", proxies: "10.0.0.300/8" }, fields: ["proxies"] },
		"a Prometheus without a scheme": { changes: { prometheus: "prometheus:9090" }, fields: ["prometheus"] },
		"a Prometheus with a password": { changes: { prometheus: "http://a:b@prometheus" }, fields: ["prometheus"] },
		"a control plane elsewhere": { changes: { parts: "bot", fleetAt: "elsewhere", fleetName: "" }, fields: [] },
		"a control plane elsewhere that is no address": {
			changes: { parts: "bot", fleetAt: "elsewhere", fleetUrl: "x" },
			fields: ["fleetUrl"],
		},
		"a big bot that may start fewer sessions than it has shards": { changes: { shards: 2048 }, fields: ["identifyLimit"] },
		"a big bot that Discord allows more": { changes: { shards: 2048, identifyLimit: 6000, maxConcurrency: 16 }, fields: [] },
		"a small bot: what big ones are asked does not matter": { changes: { identifyLimit: 0, maxConcurrency: Number.NaN }, fields: [] },
		"a big bot without a number": { changes: { shards: 64, maxConcurrency: Number.NaN }, fields: ["maxConcurrency"] },
		"only a control plane: the bot's answers do not matter": { changes: { parts: "fleet", image: "", botName: "" }, fields: [] },
	};
	for (const [name, { changes, fields }] of Object.entries(cases))
		test(name, () => expect(Object.keys(check(answers(changes))).sort()).toEqual([...fields].sort()));
});

describe("YAML", () => {
	const cases: Record<string, { value: Yaml; want: string }> = {
		nested: { value: { a: { b: 1, c: [true, "x"] } }, want: "a:\n  b: 1\n  c:\n    - true\n    - x\n" },
		"objects in a list": { value: [{ a: 1, b: { c: 2 } }], want: "- a: 1\n  b:\n    c: 2\n" },
		"nothing in it": { value: { a: {}, b: [] }, want: "a: {}\nb: []\n" },
		"what is left out": { value: { a: undefined, b: "x" }, want: "b: x\n" },
		"words that mean something else": {
			value: ["yes", "No", "null", "1.0", "0x1f", "", "~", "a: b", "- x", "#"],
			want: '- "yes"\n- "No"\n- "null"\n- "1.0"\n- "0x1f"\n- ""\n- "~"\n- "a: b"\n- "- x"\n- "#"\n',
		},
		"an image, an address": { value: ["ghcr.io/a/b:1.0", "https://x.y"], want: "- ghcr.io/a/b:1.0\n- https://x.y\n" },
		"quotes and control characters": { value: 'a"b\n', want: ' "a\\"b\\n"\n' },
	};
	for (const [name, { value, want }] of Object.entries(cases)) test(name, () => expect(toYaml(value)).toBe(want));
});
