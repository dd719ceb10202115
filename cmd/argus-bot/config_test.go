package main

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// resolved is what of a config tells who the bot is and where it serves.
type resolved struct {
	Cluster, Identity, Listen, MetricsPath, StateDir string
	Shards                                           []int
}

// plainBot is a bot that was told nothing.
func plainBot() resolved {
	return resolved{Cluster: "default", Listen: ":9191", MetricsPath: "/metrics", StateDir: ".", Shards: []int{0}}
}

func (r resolved) with(change func(*resolved)) resolved {
	change(&r)
	return r
}

func TestWhoTheBotIs(t *testing.T) {
	plain := plainBot()
	for name, tc := range map[string]resolution{
		"told nothing": {want: plain},
		"told by CLUSTER_ID alone": {
			env:  map[string]string{"CLUSTER_ID": "bot-3"},
			want: plain.with(func(r *resolved) { r.Cluster, r.Identity = "bot-3", "bot-3" }),
		},
		"told by both ids": {
			env:  map[string]string{"CLUSTER_ID": "common", "ARGUS_CLUSTER_ID": "bot-3"},
			want: plain.with(func(r *resolved) { r.Cluster, r.Identity = "bot-3", "bot-3" }),
		},
		"named otherwise in its fleet": {
			env:  map[string]string{"CLUSTER_ID": "bot-3", "ARGUS_FLEET_ID": "fleet-name"},
			want: plain.with(func(r *resolved) { r.Cluster, r.Identity = "bot-3", "fleet-name" }),
		},
		"given its shards": {
			env:  map[string]string{"SHARD_IDS": "6, 7,8", "SHARD_COUNT": "12"},
			want: plain.with(func(r *resolved) { r.Shards = []int{6, 7, 8} }),
		},
		"given its shards and the flag": {
			env: map[string]string{"SHARD_IDS": "6"}, flags: settings{shards: 3}, given: true,
			want: plain.with(func(r *resolved) { r.Shards = []int{6} }),
		},
		"given the count alone": {
			env:  map[string]string{"SHARD_COUNT": "3"},
			want: plain.with(func(r *resolved) { r.Shards = []int{0, 1, 2} }),
		},
		"given the count and the flag": {
			env: map[string]string{"SHARD_COUNT": "3"}, flags: settings{shards: 2}, given: true,
			want: plain.with(func(r *resolved) { r.Shards = []int{0, 1} }),
		},
	} {
		t.Run(name, func(t *testing.T) { tc.check(t) })
	}
}

func TestWhereTheBotServes(t *testing.T) {
	plain := plainBot()
	for name, tc := range map[string]resolution{
		"told where to serve": {
			env:  map[string]string{"ARGUS_HOST": "::1", "ARGUS_PORT": "9000", "PORT": "1", "ARGUS_METRICS_PATH": "m"},
			want: plain.with(func(r *resolved) { r.Listen, r.MetricsPath = "[::1]:9000", "/m" }),
		},
		"on a host that has its own names for it": {
			env:  map[string]string{"ARGUS_PORT": "", "SERVER_PORT": "", "PORT": "9000", "SERVER_IP": "127.0.0.1"},
			want: plain.with(func(r *resolved) { r.Listen = "127.0.0.1:9000" }),
		},
		"a swarm": {
			env: map[string]string{"ARGUS_FLEET_URL": "http://fleet"}, flags: settings{simulate: 2},
			want: resolved{Identity: "sim", MetricsPath: "/metrics", Shards: []int{0}},
		},
	} {
		t.Run(name, func(t *testing.T) { tc.check(t) })
	}
}

// resolution is an environment, flags and what comes of them.
type resolution struct {
	env   map[string]string
	flags settings
	given bool // whether --shards was given
	want  resolved
}

func (tc resolution) check(t *testing.T) {
	t.Helper()
	env := map[string]string{"DISCORD_TOKEN": discordToken}
	maps.Copy(env, tc.env)
	if tc.flags.shards == 0 {
		tc.flags.shards = 1
	}
	c, err := resolve(tc.flags, tc.given, lookupIn(env), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := resolved{c.cluster, c.fleet.Identity, c.listen, c.metricsPath, c.fleet.StateDir, c.shards}
	if diff := cmp.Diff(tc.want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func TestEveryFlagHasItsVariableAndTheFlagWins(t *testing.T) {
	command := newCommand(host{})
	env := map[string]string{
		"BOT_GUILDS": "7", "BOT_COMMANDS": "3", "BOT_SHARDS": "2", "BOT_SHARD_DOWN": "1,2", "BOT_CONNECT_DELAY": "5s",
		"BOT_CRASH_AFTER": "1m", "BOT_SIMULATE": "4", "BOT_SEED": "9", "BOT_NO_TOKEN_FILES": "true",
	}
	if err := command.ParseFlags([]string{"--guilds=11"}); err != nil {
		t.Fatal(err)
	}
	if err := flagsFromEnv(command.Flags(), lookupIn(env)); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for variable := range env {
		if flag := command.Flags().Lookup(flagName(variable)); flag != nil {
			got[flag.Name] = flag.Value.String()
		}
	}
	want := map[string]string{
		"guilds": "11", "commands": "3", "shards": "2", "shard-down": "[1,2]", "connect-delay": (5 * time.Second).String(),
		"crash-after": time.Minute.String(), "simulate": "4", "seed": "9", "no-token-files": "true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
}

// flagName returns the flag that a variable sets.
func flagName(variable string) string {
	name := strings.TrimPrefix(variable, envPrefix)
	return strings.ToLower(strings.ReplaceAll(name, "_", "-"))
}

func FuzzShardIDs(f *testing.F) {
	for _, seed := range []string{"0", "0,1,2", " 4 ,5", "", ",", "1,1", "-1", "99999999999999999999", "0x1"} {
		f.Add(seed, 0)
		f.Add(seed, 5)
	}
	f.Fuzz(func(t *testing.T, list string, count int) {
		ids, err := parseShardIDs(list, count)
		if err != nil {
			return
		}
		seen := map[int]bool{}
		for _, id := range ids {
			if id < 0 || id >= maxShards || count > 0 && id >= count || seen[id] {
				t.Errorf("parseShardIDs(%q, %d) = %v", list, count, ids)
			}
			seen[id] = true
		}
	})
}

func TestAnOldMemberReadsItsTokenFromTheEnvironmentAlone(t *testing.T) {
	readFile := func(string) ([]byte, error) { return []byte("from-file"), nil }
	for sentence, tc := range map[string]struct {
		env  map[string]string
		old  bool
		want string
	}{
		"a new one reads the file":        {map[string]string{"ARGUS_FLEET_TOKEN_FILE": "/t"}, false, "from-file"},
		"an old one does not":             {map[string]string{"ARGUS_FLEET_TOKEN_FILE": "/t"}, true, ""},
		"an old one reads the variable":   {map[string]string{"ARGUS_FLEET_TOKEN": "from-env"}, true, "from-env"},
		"its Discord token may be a file": {map[string]string{"ARGUS_FLEET_TOKEN": "from-env", "DISCORD_TOKEN": "", "DISCORD_TOKEN_FILE": "/t"}, true, "from-env"},
	} {
		t.Run(sentence, func(t *testing.T) {
			env := map[string]string{"DISCORD_TOKEN": "x", "ARGUS_FLEET_URL": "http://fleet", "ARGUS_CLUSTER_ID": "mybot-0"}
			maps.Copy(env, tc.env)
			c, err := resolve(settings{shards: 1, noTokenFiles: tc.old}, false, lookupIn(env), readFile)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := c.fleet.Token(); err != nil || got != tc.want {
				t.Errorf("token %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}
