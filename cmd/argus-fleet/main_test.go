package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
)

func TestARealProcessKeepsNumbersOverKillAndRestart(t *testing.T) {
	p := newProcess(t)
	p.startAndWait()
	ingest, viewer := p.client("ingest-secret"), p.client("viewer-secret")
	if got := []int{register(t, ingest, "a"), register(t, ingest, "b")}; got[0] != 1 || got[1] != 2 {
		t.Fatalf("numbers %v", got)
	}
	p.signal(syscall.SIGKILL)
	_ = p.Wait()
	p.startAndWait()
	if got := []int{register(t, ingest, "b"), register(t, ingest, "c")}; got[0] != 2 || got[1] != 3 {
		t.Errorf("after SIGKILL: b has %d and c has %d, want 2 and 3", got[0], got[1])
	}
	snapshot := &fleetapi.Snapshot{Metrics: map[string]fleetapi.Family{
		"discord_guilds": {Samples: []fleetapi.Sample{{Name: "discord_guilds", Value: 9}}},
	}}
	if err := ingest.Heartbeat(context.Background(), fleetapi.HeartbeatRequest{Identity: "b", Snapshot: snapshot}); err != nil {
		t.Fatal(err)
	}
	view, err := viewer.View(context.Background())
	if err != nil || view.Global.Guilds != 9 {
		t.Errorf("view: %v guilds, %v", view.Global.Guilds, err)
	}
	started := time.Now()
	p.signal(syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("SIGTERM took %v", took)
	}
}

func TestASecondProcessEndsWithStatus75AndSaysWhy(t *testing.T) {
	p := newProcess(t)
	p.startAndWait()
	second := &process{t: t, env: p.env}
	started := time.Now()
	second.start("run")
	_ = second.Wait()
	if got := second.ProcessState.ExitCode(); got != 75 || time.Since(started) > 5*time.Second {
		t.Errorf("status %d after %v, want 75 within 5 s", got, time.Since(started))
	}
	line := second.lastLine()
	if !strings.HasPrefix(line, "argus-fleet: another argus-fleet process holds ") || !strings.HasSuffix(line, "; run a single control plane per state file") {
		t.Errorf("it says %q", line)
	}
}

func TestAStartThatFailsEndsWithOneLine(t *testing.T) {
	for name, tc := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"a wrong value":      {[]string{"ARGUS_FLEET_PORT=abc"}, nil, `argus-fleet: ARGUS_FLEET_PORT="abc": must be a whole number from 0 to 65535`},
		"an insecure bind":   {[]string{"ARGUS_FLEET_HOST=0.0.0.0", "ARGUS_FLEET_VIEWER_TOKEN="}, nil, "argus-fleet: refusing to bind 0.0.0.0:"},
		"no directory":       {[]string{"ARGUS_FLEET_STATE=/no/such/state.db"}, nil, "argus-fleet: opening the state lock: open /no/such/state.db.lock: no such file or directory"},
		"an unknown command": {nil, []string{"dance"}, `argus-fleet: unknown command "dance" for "argus-fleet"`},
		"an unknown flag":    {nil, []string{"--token=x"}, "argus-fleet: unknown flag: --token"},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := newProcess(t, tc.env...).execute(append([]string{}, tc.args...)...)
			if status != 1 || stdout != "" || !strings.HasPrefix(stderr, tc.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("status %d, says %q, want 1 and one line %q", status, stderr, tc.want)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	status, stdout, _ := newProcess(t).execute("version")
	if status != 0 || stdout != "dev\n" {
		t.Errorf("%d %q", status, stdout)
	}
}

func TestHealthcheck(t *testing.T) {
	p := newProcess(t)
	if status, _, stderr := p.execute("healthcheck"); status != 1 || !strings.HasPrefix(stderr, "argus-fleet: asking for health: ") {
		t.Errorf("without a control plane: %d %q", status, stderr)
	}
	p.startAndWait()
	if status, _, stderr := p.execute("healthcheck"); status != 0 {
		t.Errorf("with one: %d %s", status, stderr)
	}
	for host, want := range map[string]string{"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1", "10.0.0.1": "10.0.0.1"} {
		if got := localHost(host); got != want {
			t.Errorf("%q is asked at %q, want %q", host, got, want)
		}
	}
}

func TestDoctor(t *testing.T) {
	p := newProcess(t, "ARGUS_FLEET_HEARTBEAT_INTERVAL=1", "ARGUS_FLEET_TTL_FACTOR=1", "ARGUS_FLEET_VIEW_CACHE_MS=0")
	doctor := func(when string, status int, want string, args ...string) {
		t.Helper()
		got, stdout, _ := p.execute(append([]string{"doctor", "--url", p.url + "/"}, args...)...)
		if got != status || stdout != want {
			t.Errorf("%s: status %d\n%s", when, got, cmp.Diff(want, stdout))
		}
	}
	if status, stdout, _ := p.execute("doctor", "--url", p.url); status != 1 || !strings.HasPrefix(stdout, "[!!] cannot reach "+p.url+": ") {
		t.Errorf("unreachable: %d %q", status, stdout)
	}
	p.startAndWait()
	alive, fast := "[ok] "+p.url+" is alive\n", "[!!] silent clusters are down after 1 s: argus-dpy members beat every 15 s and may be shown down in between; raise ARGUS_FLEET_HEARTBEAT_INTERVAL or ARGUS_FLEET_TTL_FACTOR\n"
	doctor("empty", 1, alive+"[ok] 0 fleet(s), 0/0 clusters up\n[ok] no clusters registered yet: point a bot here with ARGUS_FLEET_URL\n"+fast)
	register(t, p.client("ingest-secret"), "a")
	time.Sleep(1100 * time.Millisecond) // the TTL
	doctor("one is down", 1, alive+"[ok] 1 fleet(s), 0/1 clusters up\n[!!] fleet 'asia': 1 cluster(s) down\n[!!] namespace 'discord' (expected 'bots')\n"+fast, "--namespace", "bots")
	p.env = append(p.env, "ARGUS_FLEET_VIEWER_TOKEN=wrong")
	doctor("a wrong token", 1, alive+"[!!] the viewer token is missing or wrong: set ARGUS_FLEET_VIEWER_TOKEN or ARGUS_FLEET_VIEWER_TOKEN_FILE\n")
}

func TestAHealthyFleetMakesTheDoctorContent(t *testing.T) {
	p := newProcess(t)
	p.startAndWait()
	register(t, p.client("ingest-secret"), "a")
	status, stdout, stderr := p.execute("doctor", "--url", p.url, "--namespace", "discord")
	want := "[ok] " + p.url + " is alive\n[ok] 1 fleet(s), 1/1 clusters up\n[ok] namespace 'discord'\n"
	if status != 0 || stdout != want || stderr != "" {
		t.Errorf("status %d, %q %q", status, stdout, stderr)
	}
}

func TestEnvFile(t *testing.T) {
	got := parseEnvFile("# a comment\nA=1\n export B = two words \nC=\"quoted # not a comment\"\nD='x'\nE=v # comment\nF=\nno line\n=x\n")
	want := map[string]string{"A": "1", "B": "two words", "C": "quoted # not a comment", "D": "x", "E": "v", "F": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte("ARGUS_FLEET_PORT=xyz\nARGUS_FLEET_LOG_FORMAT=json\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProcess(t, "ARGUS_FLEET_ENV_FILE="+file)
	p.startAndWait() // the environment's own port goes first
	p.signal(syscall.SIGTERM)
	_ = p.Wait()
	var line struct{ Level, Message string }
	if err := json.Unmarshal([]byte(p.lastLine()), &line); err != nil || line.Level != "INFO" || line.Message != "argus fleet is stopping" {
		t.Errorf("the last line of the log is %q: %v", p.lastLine(), err)
	}
	t.Setenv("ARGUS_FLEET_ENV_FILE", t.TempDir())
	if _, err := environment(); err == nil || !strings.HasPrefix(err.Error(), "ARGUS_FLEET_ENV_FILE=") {
		t.Errorf("a directory as file: %v", err)
	}
}
