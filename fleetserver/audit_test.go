package fleetserver

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetserver/access"
)

// audited returns the audit lines so far, without time and level.
func (p *plane) audited() []string {
	var lines []string
	for line := range strings.Lines(p.logs.String()) {
		if _, rest, ok := strings.Cut(strings.TrimSpace(line), "msg=audit "); ok {
			lines = append(lines, rest)
		}
	}
	return lines
}

func TestAudit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "viewer-token")
	write := func(token string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("former-secret")
	config := configOf(t, "ARGUS_FLEET_AUDIT_LOG", "1", "ARGUS_FLEET_REQUIRE_LEASE", "1")
	config.ViewerToken = access.Secret{Value: "former-secret", File: file}
	p := startPlane(t, config, newClock())
	lease := p.join("a", "asia").Lease
	p.ask(post, "/fleet/register", "ingest", `{"identity": "a"}`)
	p.ask(post, "/fleet/register", "ingest", `{"identity": "b\nmsg=audit event=forged", "fleet": "x"}`)
	p.beat("a", "wrong", "")
	p.beat("a", lease, "")
	p.ask(post, "/fleet/leave", "ingest", `{"identity": "a", "lease": "wrong"}`)
	p.ask(post, "/fleet/leave", "ingest", `{"identity": "a", "lease": "`+lease+`"}`)
	p.ask("DELETE", "/api/admin/cluster?identity=ghost", "admin", "")
	p.ask("DELETE", "/api/admin/cluster?identity=a", "admin", "")
	p.join("c", "asia")
	p.ask(post, "/api/admin/cluster/reset-lease?identity=c", "admin", "")
	write("viewer-secret")
	p.server.keyring.Reload()
	want := []string{
		"event=register identity=a remote=127.0.0.1 outcome=ok",
		"event=register identity=a remote=127.0.0.1 outcome=denied:lease",
		`event=register identity="bmsg=audit event=forged" remote=127.0.0.1 outcome=denied:names`,
		"event=heartbeat identity=a remote=127.0.0.1 outcome=denied:lease",
		"event=leave identity=a remote=127.0.0.1 outcome=denied:lease",
		"event=leave identity=a remote=127.0.0.1 outcome=ok",
		"event=retire identity=ghost remote=127.0.0.1 outcome=denied:unknown_identity",
		"event=retire identity=a remote=127.0.0.1 outcome=ok",
		"event=register identity=c remote=127.0.0.1 outcome=ok",
		"event=reset-lease identity=c remote=127.0.0.1 outcome=ok",
		"event=tokens surface=viewer outcome=ok",
	}
	if diff := cmp.Diff(want, p.audited()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if secret := regexp.MustCompile(regexp.QuoteMeta(lease) + "|[a-z]+-secret").FindString(p.logs.String()); secret != "" {
		t.Errorf("the log holds %q", secret)
	}
}

func TestAuditIsOffByDefault(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	if lines := p.audited(); lines != nil {
		t.Errorf("audited: %q", lines)
	}
}
