import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Compiles the control plane and the bot once for all tests. */
export default function setup(): () => void {
	const bin = mkdtempSync(join(tmpdir(), "argus-page-"));
	execFileSync("go", ["build", "-ldflags", "-X main.version=v0.1.0", "-o", `${bin}/`, "./cmd/argus-fleet", "./cmd/argus-bot"], {
		cwd: root,
		stdio: "inherit",
	});
	process.env["ARGUS_PAGE_BIN"] = bin;
	return () => rmSync(bin, { recursive: true });
}
