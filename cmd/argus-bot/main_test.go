package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
)

func TestABotOfAFleetFromStartToEnd(t *testing.T) {
	plane := newControlPlane(t)
	tokenFile := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokenFile, []byte("ingest-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bot := runBot(t, map[string]string{
		"SHARD_IDS": "4,5,6", "SHARD_COUNT": "12", "CLUSTER_ID": "mybot-1", "ARGUS_CLUSTER_ID": "mybot-1",
		"ARGUS_FLEET_URL": plane.server.URL, "ARGUS_FLEET_TOKEN_FILE": tokenFile, "ARGUS_FLEET_GROUP": "asia",
		"BOT_GUILDS": "900", "BOT_SHARD_DOWN": "5,99",
	}, "--commands", "2")
	base := "http://" + bot.address()
	eventually(t, "a heartbeat", func() bool { return plane.beating()["mybot-1"] != nil })

	want := []fleetapi.RegisterRequest{{Identity: "mybot-1", Fleet: "asia", Version: "dev"}}
	if diff := cmp.Diff(want, plane.registers); diff != "" {
		t.Errorf("registrations (-want +got):\n%s", diff)
	}
	if !plane.tokens["Bearer ingest-token"] {
		t.Errorf("tokens %v, want the file's", plane.tokens)
	}
	snapshot := plane.beating()["mybot-1"]
	if diff := cmp.Diff(map[string]float64{"4": 1, "5": 0, "6": 1}, shardsUp(snapshot)); diff != "" {
		t.Errorf("shards up (-want +got):\n%s", diff)
	}
	if guilds := snapshot.Metrics["discord_guilds"].Samples[0].Value; guilds < 590 || guilds > 610 {
		t.Errorf("%g guilds on two of three shards, want about 600", guilds)
	}
	eventually(t, "the metrics to show the registration", func() bool {
		_, _, body := get(t, http.MethodGet, base+"/metrics", "")
		return strings.Contains(body, `argus_subsystem_up{subsystem="fleet"} 1`)
	})
	if status := bot.end(); status != 0 {
		t.Errorf("status %d after SIGTERM, want 0", status)
	}
	if diff := cmp.Diff([]string{"mybot-1"}, plane.left()); diff != "" {
		t.Errorf("goodbyes (-want +got):\n%s", diff)
	}
	for _, secret := range []string{discordToken, "ingest-token", "lease"} {
		if strings.Contains(bot.stderr.String()+bot.stdout.String(), secret) {
			t.Errorf("the output shows %q:\n%s", secret, bot.stderr)
		}
	}
}

func shardsUp(snapshot *fleetapi.Snapshot) map[string]float64 {
	up := map[string]float64{}
	for _, sample := range snapshot.Metrics["discord_shard_up"].Samples {
		up[sample.Labels["shard"]] = sample.Value
	}
	return up
}

func TestABotWithoutItsControlPlaneServesAndEndsAsEver(t *testing.T) {
	for name, url := range map[string]string{
		"nobody listens there":  "http://127.0.0.1:1",
		"the URL is wrong":      "fleet:9190",
		"there is none":         "",
		"it answers with pages": "http://" + pageServer(t),
	} {
		t.Run(name, func(t *testing.T) {
			bot := runBot(t, map[string]string{"ARGUS_FLEET_URL": url})
			_, _, body := get(t, http.MethodGet, "http://"+bot.address()+"/metrics", "")
			if strings.Contains(body, `argus_subsystem_up{subsystem="fleet"} 0`) != (url != "") {
				t.Errorf("the fleet's health is wrong:\n%s", body)
			}
			if status := bot.end(); status != 0 {
				t.Errorf("status %d, want 0", status)
			}
		})
	}
}

func pageServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>"))
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func TestWhatKeepsABotFromStarting(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"no Discord token": {
			map[string]string{"DISCORD_TOKEN": ""},
			nil,
			"no Discord token: set DISCORD_TOKEN, or DISCORD_TOKEN_FILE to the name of a file that holds it",
		},
		"a token file that is empty": {
			map[string]string{"DISCORD_TOKEN": "", "DISCORD_TOKEN_FILE": empty},
			nil,
			"no Discord token: reading the file of DISCORD_TOKEN_FILE: " + empty + " is empty",
		},
		"a token file that is missing": {
			map[string]string{"DISCORD_TOKEN": "", "DISCORD_TOKEN_FILE": "/none"},
			nil,
			"no Discord token: reading the file of DISCORD_TOKEN_FILE: open /none: no such file or directory",
		},
		"an unknown flag":                 {nil, []string{"--guild=1"}, "unknown flag: --guild"},
		"an argument":                     {nil, []string{"now"}, `unknown command "now" for "argus-bot"`},
		"a flag's variable that is wrong": {map[string]string{"BOT_CRASH_AFTER": "soon"}, nil, `BOT_CRASH_AFTER="soon": must be of type duration`},
		"too few shards":                  {nil, []string{"--shards=-1"}, "--shards=-1: must be from 1 to 16384"},
		"a negative time":                 {nil, []string{"--connect-delay=-1s", "--crash-after=-2s"}, "--connect-delay=-1s: must not be negative; --crash-after=-2s: must not be negative"},
		"a shard that is no number":       {map[string]string{"SHARD_IDS": "0,one"}, nil, `SHARD_IDS="0,one": "one" is no shard id`},
		"a shard twice":                   {map[string]string{"SHARD_IDS": "1, 1"}, nil, `SHARD_IDS="1, 1": 1 stands there twice`},
		"a shard beyond the count":        {map[string]string{"SHARD_IDS": "3,4", "SHARD_COUNT": "4"}, nil, `SHARD_IDS="3,4": 4 is not below 4, the number of shards`},
		"a count of none":                 {map[string]string{"SHARD_COUNT": "0"}, nil, `SHARD_COUNT="0": must be a number from 1 to 16384`},
		"a port that is none":             {map[string]string{"ARGUS_PORT": "65536"}, nil, `ARGUS_PORT="65536": must be a port from 0 to 65535`},
		"a metrics path that is taken":    {map[string]string{"ARGUS_METRICS_PATH": "healthz"}, nil, `ARGUS_METRICS_PATH="/healthz": is taken`},
		"a toggle that is neither":        {map[string]string{"ARGUS_DASHBOARD": "maybe"}, nil, `ARGUS_DASHBOARD="maybe": must be 1, true, yes, on, 0, false, no or off`},
		"an unknown log format":           {map[string]string{"ARGUS_LOG_FORMAT": "xml"}, nil, `ARGUS_LOG_FORMAT="xml": must be text or json`},
		"a swarm without a fleet":         {nil, []string{"--simulate=3"}, "--simulate=3: needs ARGUS_FLEET_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			bot := runBot(t, tc.env, tc.args...)
			if status := bot.wait(5 * time.Second); status != exitUsage {
				t.Errorf("status %d, want %d", status, exitUsage)
			}
			if diff := cmp.Diff("argus-bot: "+tc.want+"\n", bot.stderr.String()); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPortThatIsTakenIsAFailure(t *testing.T) {
	address := pageServer(t)
	_, port, _ := net.SplitHostPort(address)
	bot := runBot(t, map[string]string{"ARGUS_PORT": port})
	if status := bot.wait(5 * time.Second); status != exitFailed {
		t.Errorf("status %d, want %d", status, exitFailed)
	}
	if lines := strings.Split(strings.TrimSpace(bot.stderr.String()), "\n"); !strings.HasPrefix(lines[len(lines)-1], "argus-bot: listening on "+address) {
		t.Errorf("the last line is %q", lines[len(lines)-1])
	}
}

func TestACrashOnRequest(t *testing.T) {
	plane := newControlPlane(t)
	bot := runBot(t, map[string]string{"BOT_CRASH_AFTER": "1s", "ARGUS_FLEET_URL": plane.server.URL, "ARGUS_FLEET_ID": "a"})
	if status := bot.wait(5 * time.Second); status != exitFailed {
		t.Errorf("status %d, want %d", status, exitFailed)
	}
	if !strings.HasSuffix(bot.stderr.String(), "\nargus-bot: crashing after 1s, as --crash-after asks\n") {
		t.Errorf("stderr:\n%s", bot.stderr)
	}
	if len(plane.beating()) != 1 || plane.left() != nil {
		t.Errorf("%d beat, %v said goodbye; want one that went without", len(plane.beating()), plane.left())
	}
}

func TestTheVersionIsPrinted(t *testing.T) {
	bot := runBot(t, nil, "--version")
	if status := bot.wait(5 * time.Second); status != exitOK || bot.stdout.String() != "argus-bot version dev\n" {
		t.Errorf("status %d, stdout %q", status, bot.stdout)
	}
}

func TestASwarmIsManyMembers(t *testing.T) {
	plane := newControlPlane(t)
	env := map[string]string{"ARGUS_FLEET_URL": plane.server.URL, "ARGUS_FLEET_ID": "load", "ARGUS_FLEET_GROUP": "eu"}
	bot := runBot(t, env, "--simulate=25", "--shards=4", "--commands=1")
	eventually(t, "all to beat", func() bool { return len(plane.beating()) == 25 })
	for i, beating := 0, plane.beating(); i < 25; i++ {
		identity := "load-" + strconv.Itoa(i)
		snapshot := beating[identity]
		if snapshot == nil {
			t.Fatalf("%s has not beaten", identity)
		}
		want := map[string]float64{}
		for shard := 4 * i; shard < 4*i+4; shard++ {
			want[strconv.Itoa(shard)] = 1
		}
		if diff := cmp.Diff(want, shardsUp(snapshot)); diff != "" {
			t.Errorf("shards of %s (-want +got):\n%s", identity, diff)
		}
		if label := snapshot.Metrics["discord_guilds"].Samples[0].Labels["cluster"]; label != identity {
			t.Errorf("the cluster label of %s is %q", identity, label)
		}
	}
	eventually(t, "the page to show them", func() bool {
		_, _, body := get(t, http.MethodGet, "http://"+bot.address()+"/metrics", "")
		return strings.Contains(body, "\nargus_bot_registered_members 25\n") && strings.Contains(body, "\nargus_bot_simulated_members 25\n")
	})
	if status := bot.end(); status != 0 {
		t.Errorf("status %d, want 0", status)
	}
	if left := plane.left(); len(left) != 25 {
		t.Errorf("%d members said goodbye: %v", len(left), left)
	}
}

func TestASwarmServesOnlyIfAskedTo(t *testing.T) {
	plane := newControlPlane(t)
	env := map[string]string{"ARGUS_FLEET_URL": plane.server.URL, "ARGUS_PORT": "", "ARGUS_FLEET_STATE_DIR": ""}
	t.Chdir(t.TempDir())
	bot := runBot(t, env, "--simulate=2")
	eventually(t, "both to beat", func() bool { return len(plane.beating()) == 2 })
	if status := bot.end(); status != 0 || strings.Contains(bot.stderr.String(), "serving") {
		t.Errorf("status %d, stderr:\n%s", status, bot.stderr)
	}
	if left, _ := os.ReadDir("."); len(left) != 0 {
		t.Errorf("the swarm left %v in the working directory", left)
	}
}
