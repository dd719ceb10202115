import { defineConfig, type Plugin } from "vite";

/**
 * The script and the styles are tiny and cached for ever, so the first paint waits for them: without that a page in the
 * chosen theme would flash in the other one. (The policy forbids the inline script that others use for it.)
 */
function blockFirstPaint(): Plugin {
	return {
		name: "block-first-paint",
		transformIndexHtml: {
			order: "post",
			handler: (html) => html.replaceAll(/<(script type="module"|link rel="stylesheet") crossorigin /g, '<$1 blocking="render" '),
		},
	};
}

export default defineConfig({
	base: "/",
	plugins: [blockFirstPaint()],
	esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
	build: {
		outDir: "../fleetserver/ui/dist",
		emptyOutDir: true,
		target: "es2022",
		assetsDir: "assets",
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
		rollupOptions: {
			output: {
				// What writes manifests is a file of its own, with its functions' names: tests run it without a browser.
				manualChunks: { generate: ["src/setup/answers.ts", "src/setup/generate.ts", "src/setup/yaml.ts"] },
				minifyInternalExports: false,
			},
		},
	},
	server: { proxy: { "/api": process.env["ARGUS_FLEET_URL"] ?? "http://127.0.0.1:9190" } },
});
