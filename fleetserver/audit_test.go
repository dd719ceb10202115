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
	p.ask(post, "/fleet/register", "ingest", `{"identity": "a", "lease": "wrong"}`)
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

func TestEveryRefusedChangeIsAudited(t *testing.T) {
	const env = "ARGUS_FLEET_AUDIT_LOG"
	for name, tc := range map[string]struct {
		env  []string
		play func(p *plane)
		want []string
	}{
		"a register past its rate": {[]string{"ARGUS_FLEET_REGISTER_BURST", "1"}, func(p *plane) {
			p.join("a", "asia")
			p.ask(post, "/fleet/register", "ingest", `{"identity": "b"}`)
		}, []string{"event=register identity=a remote=127.0.0.1 outcome=ok", "event=register identity=b remote=127.0.0.1 outcome=denied:register_rate"}},
		"a register that names nobody, or is no JSON": {nil, func(p *plane) {
			p.ask(post, "/fleet/register", "ingest", `{}`)
			p.ask(post, "/fleet/register", "ingest", `{`)
		}, []string{"event=register identity=? remote=127.0.0.1 outcome=denied:names", "event=register identity=? remote=127.0.0.1 outcome=denied:body"}},
		"heartbeats of the unknown and past their rate": {[]string{"ARGUS_FLEET_HEARTBEAT_BURST", "1"}, func(p *plane) {
			p.beat("ghost", "", "")
			p.join("a", "asia")
			p.beat("a", "", "")
			p.beat("a", "", "")
		}, []string{
			"event=heartbeat identity=ghost remote=127.0.0.1 outcome=denied:unknown_identity", "event=register identity=a remote=127.0.0.1 outcome=ok",
			"event=heartbeat identity=a remote=127.0.0.1 outcome=denied:heartbeat_rate",
		}},
		"leaving past the rate": {[]string{"ARGUS_FLEET_HEARTBEAT_BURST", "1"}, func(p *plane) {
			lease := p.join("a", "asia").Lease
			p.beat("a", lease, "")
			p.ask(post, "/fleet/leave", "ingest", `{"identity": "a", "lease": "`+lease+`"}`)
			p.ask(post, "/fleet/leave", "ingest", `{}`)
		}, []string{
			"event=register identity=a remote=127.0.0.1 outcome=ok", "event=leave identity=a remote=127.0.0.1 outcome=denied:heartbeat_rate",
			"event=leave identity=? remote=127.0.0.1 outcome=denied:names",
		}},
		"an administrator who names nobody": {nil, func(p *plane) {
			p.ask("DELETE", "/api/admin/cluster", "admin", "")
			p.ask(post, "/api/admin/cluster/reset-lease?identity=ghost", "admin", "")
		}, []string{"event=retire identity=? remote=127.0.0.1 outcome=denied:names", "event=reset-lease identity=ghost remote=127.0.0.1 outcome=denied:unknown_identity"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlane(t, append(tc.env, env, "1")...)
			tc.play(p)
			if diff := cmp.Diff(tc.want, p.audited()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAuditIsOffByDefault(t *testing.T) {
	p := newPlane(t)
	p.join("a", "asia")
	if lines := p.audited(); lines != nil {
		t.Errorf("audited: %q", lines)
	}
}
