package source

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
)

func TestTheQueriesOfARound(t *testing.T) {
	p := poll(t, func(o *PrometheusOptions) { o.Prefix = "mybot" })
	p.Latest()
	want := []string{
		`histogram_quantile(0.95, sum by (le, cluster) (rate(mybot_app_command_duration_seconds_bucket[5m])))`,
		`max by (cluster) (mybot_shard_latency_seconds)`,
		`max by (cluster) (mybot_uptime_seconds)`,
		`max by (cluster, shard) (mybot_shard_latency_seconds)`,
		`max by (cluster, shard) (mybot_shard_up)`,
		`sum by (cluster) (increase(mybot_app_commands_total[5m]))`,
		`sum by (cluster) (increase(mybot_command_errors_total[5m]))`,
		`sum by (cluster) (increase(mybot_commands_total[5m]))`,
		`sum by (cluster) (mybot_cached_users)`,
		`sum by (cluster) (mybot_guilds)`,
		`sum by (cluster) (mybot_shard_up)`,
		`sum by (cluster) (rate(mybot_interactions_total[5m]))`,
		`sum by (cluster) (rate(mybot_ratelimits_total[5m]))`,
	}
	slices.Sort(p.server.asked)
	if diff := cmp.Diff(want, p.server.asked); diff != "" {
		t.Errorf("queries (-want +got)\n%s", diff)
	}
}

// script makes a Prometheus that knows everything of the cluster a.
func script(s *scripted) {
	s.rows = map[string][]string{
		"max by (cluster) (discord_shard_latency_seconds)":        {of("a", "", 0.3)},
		"sum by (cluster) (discord_shard_up)":                     {of("a", "", 2)},
		"discord_guilds":                                          {of("a", "", 10)},
		"discord_cached_users":                                    {of("a", "", 900)},
		"discord_uptime_seconds":                                  {of("a", "", 77)},
		"discord_interactions_total":                              {of("a", "", 1.5)},
		"discord_ratelimits_total":                                {of("a", "", 0.25)},
		"histogram_quantile":                                      {of("a", "", 0.75)},
		"discord_command_errors_total":                            {of("a", "", 3)},
		"discord_app_commands_total":                              {of("a", "", 20)},
		"discord_commands_total":                                  {of("a", "", 10)},
		"max by (cluster, shard) (discord_shard_up)":              {of("a", "10", 1), of("a", "2", 1), of("a", "3", 0)},
		"max by (cluster, shard) (discord_shard_latency_seconds)": {of("a", "10", 0.3), of("a", "2", 0.1), of("a", "4", 0.2)},
	}
}

func TestEverythingFromPrometheus(t *testing.T) {
	p := poll(t)
	script(p.server)
	got := p.Latest()("a")
	want := Values{
		Metrics: fleetapi.Metrics{
			LatencySeconds: 0.3, ShardsUp: 2, Guilds: 10, CachedUsers: 900, InteractionsRate: 1.5,
			ErrorRate: 0.1, DurationP95Seconds: 0.75, RateLimitsRate: 0.25, UptimeSeconds: 77,
		},
		Shards: []fleetapi.Shard{
			{ID: "2", Status: "up", LatencySeconds: 0.1},
			{ID: "3", Status: "down"},
			{ID: "4", Status: "down", LatencySeconds: 0.2}, // nobody says that it is up
			{ID: "10", Status: "up", LatencySeconds: 0.3},
		},
		windowed: pair{3, 30}, hasWindow: true,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Values{}, pair{})); diff != "" {
		t.Errorf("values (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(NoValues(), p.Latest()("somebody else"), cmp.AllowUnexported(Values{}, pair{})); diff != "" {
		t.Errorf("values of a cluster that nobody knows (-want +got)\n%s", diff)
	}
}

func TestRowsThatSayNothingAreSkipped(t *testing.T) {
	for name, row := range map[string]string{
		"not a number":             of("a", "", "NaN"),
		"infinite":                 of("a", "", "+Inf"),
		"infinite, below":          of("a", "", "-Inf"),
		"beyond a float":           of("a", "", "1e999"),
		"null":                     `{"metric":{"cluster":"a"},"value":[1,null]}`,
		"no value at all":          `{"metric":{"cluster":"a"},"value":null}`,
		"no value":                 `{"metric":{"cluster":"a"}}`,
		"too short":                `{"metric":{"cluster":"a"},"value":[1]}`,
		"a number without quotes":  `{"metric":{"cluster":"a"},"value":[1,5]}`,
		"a word":                   of("a", "", "many"),
		"no cluster label":         `{"metric":{},"value":[1,"5"]}`,
		"an empty cluster label":   of("", "", 5),
		"a label of another name":  `{"metric":{"instance":"a"},"value":[1,"5"]}`,
		"a native histogram":       `{"metric":{"cluster":"a"},"histogram":[1,{"count":"5","sum":"1"}]}`,
		"no labels, and no object": `{"metric":null,"value":[1,"5"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			p := poll(t)
			p.server.rows["discord_guilds"] = []string{row, of("b", "", 7)}
			latest := p.Latest()
			if got := latest("a"); got.Metrics.Guilds != 0 || !slices.Contains(got.Missing, keyGuilds) {
				t.Errorf("guilds %v, missing %v; want none", got.Metrics.Guilds, got.Missing)
			}
			if got := latest("b"); got.Metrics.Guilds != 7 {
				t.Errorf("the row behind it is lost: %+v", got)
			}
		})
	}
}

func TestRowsOfShards(t *testing.T) {
	p := poll(t)
	for i := range maxShards + 10 {
		p.server.rows["(cluster, shard) (discord_shard_up)"] = append(p.server.rows["(cluster, shard) (discord_shard_up)"], of("a", strconv.Itoa(i), 1))
	}
	p.server.rows["(cluster, shard) (discord_shard_up)"] = append(p.server.rows["(cluster, shard) (discord_shard_up)"], of("c", strings.Repeat("7", maxShardID+1), 1))
	p.server.rows["(cluster, shard) (discord_shard_latency_seconds)"] = []string{of("b", "", 5), of("b", "0", "NaN"), `{"metric":{"shard":"1"},"value":[1,"5"]}`}
	latest := p.Latest()
	if got := len(latest("a").Shards); got != maxShards {
		t.Errorf("%d shards of one cluster, want no more than %d", got, maxShards)
	}
	if got := latest("c").Shards; len(got) != 0 {
		t.Errorf("shards %v with an id that is too long, want none", got)
	}
	if got := latest("b").Shards; len(got) != 0 {
		t.Errorf("shards %v without a label, want none", got)
	}
}

func TestAQueryThatFailsCostsOnlyItsOwnValue(t *testing.T) {
	for name, tc := range map[string]struct{ body, says string }{
		"status error":                  {`{"status":"error","errorType":"execution","error":"many-to-many matching"}`, "execution: many-to-many matching"},
		"a status that is not known":    {`{"status":"perhaps","data":{"resultType":"vector","result":[]}}`, "perhaps"},
		"no status":                     {`{}`, "a reply of status"},
		"no data":                       {`{"status":"success"}`, "result of type"},
		"a result of another type":      {`{"status":"success","data":{"resultType":"scalar","result":[1,"5"]}}`, "reading the reply"},
		"a matrix":                      {`{"status":"success","data":{"resultType":"matrix","result":[]}}`, "matrix"},
		"no JSON":                       {`<html>`, "reading the reply"},
		"nothing":                       {``, "reading the reply"},
		"a label that is no text":       {vector(`{"metric":{"cluster":5},"value":[1,"5"]}`), "reading the reply"},
		"an error that is a whole book": {`{"status":"error","errorType":"execution","error":"` + strings.Repeat("x", 5000) + `"}`, "xxx"},
	} {
		t.Run(name, func(t *testing.T) {
			p := poll(t)
			script(p.server)
			p.server.broken["discord_guilds"] = tc.body
			got := p.Latest()("a")
			if diff := cmp.Diff([]string{keyGuilds}, got.Missing); diff != "" {
				t.Errorf("missing (-want +got)\n%s", diff)
			}
			lines := p.log.lines()
			if len(lines) != 1 || !strings.Contains(lines[0], "answers in part") || !strings.Contains(lines[0], tc.says) || !strings.Contains(lines[0], "failed=1") {
				t.Errorf("log %q, want one line that says %q", lines, tc.says)
			}
			if len(lines[0]) > 1000 {
				t.Errorf("a line of %d bytes", len(lines[0]))
			}
		})
	}
}

// An error rate of three answers of which one is not there would be a guess: 0
// errors, or too few commands.
func TestAFailedQueryOfCommandsLeavesTheErrorRateUnknown(t *testing.T) {
	for name, tc := range map[string]struct {
		failed  string
		rate    float64
		missing []string
	}{
		"errors":          {"discord_command_errors_total", 0, []string{keyErrorRate}},
		"app commands":    {"discord_app_commands_total", 0, []string{keyErrorRate}},
		"prefix commands": {"discord_commands_total", 0, []string{keyErrorRate}},
		"none of them":    {"nothing", 0.25, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := poll(t)
			script(p.server)
			p.server.rows = map[string][]string{
				"discord_command_errors_total": {of("a", "", 1)}, "discord_app_commands_total": {of("a", "", 2)}, "discord_commands_total": {of("a", "", 2)},
			}
			p.server.broken[tc.failed] = `{"status":"error"}`
			got := p.Latest()("a")
			missing := slices.DeleteFunc(got.Missing, func(key string) bool { return key != keyErrorRate })
			if got.Metrics.ErrorRate != tc.rate || !slices.Equal(missing, tc.missing) || got.hasWindow != (tc.missing == nil) {
				t.Errorf("rate %v, missing %v, windowed %v", got.Metrics.ErrorRate, missing, got.hasWindow)
			}
		})
	}
}

func TestOneRoundIsForEverybodyWithinTheWindow(t *testing.T) {
	p := poll(t)
	script(p.server)
	var viewers sync.WaitGroup
	for range 50 {
		viewers.Go(func() {
			if got := p.Latest()("a").Metrics.Guilds; got != 10 {
				t.Errorf("guilds %v, want 10", got)
			}
		})
	}
	viewers.Wait()
	p.later(999 * time.Millisecond)
	if got := p.server.rounds(); got != 1 {
		t.Errorf("%d rounds in a window, want 1", got)
	}
	p.later(time.Millisecond)
	if got := p.server.rounds(); got != 2 {
		t.Errorf("%d rounds after a window, want 2", got)
	}
	if got, want := p.Expires(p.clock.now()), p.clock.now().Add(time.Second); got != want {
		t.Errorf("values expire at %s, want %s", got, want)
	}
}

func TestARoundIsConcurrent(t *testing.T) {
	p := poll(t)
	p.server.hold = make(chan struct{})
	go func() {
		p.awaitRound() // all queries of the round are there before one is answered
		close(p.server.hold)
	}()
	if took := timed(func() { p.Latest() }); took > 4*time.Second {
		t.Errorf("the queries were asked one after the other, in %s", took)
	}
	if lines := p.log.lines(); len(lines) != 0 {
		t.Errorf("log %q", lines)
	}
}

func TestAPrometheusThatHangsDelaysOneViewAndNoHeartbeat(t *testing.T) {
	const limit, atOnce = 2 * time.Second, time.Second // far apart, for busy machines
	p := poll(t, func(o *PrometheusOptions) { o.timeout = limit })
	p.push.Observe("a", 1, read(t, line{"guilds", ``, "5"}))
	release := make(chan struct{})
	p.server.hold = release
	first := make(chan time.Duration)
	go func() { first <- timed(func() { p.Latest() }) }()
	p.awaitRound()
	beat := timed(func() { p.push.Observe("a", 1, read(t, line{"guilds", ``, "6"})) })
	if beat > atOnce {
		t.Errorf("a heartbeat took %s", beat)
	}
	if took := <-first; took < limit || took > 5*limit {
		t.Errorf("the first view took %s, want the time limit", took)
	}
	for range 5 {
		var guilds float64
		took := timed(func() { guilds = p.later(10 * time.Second)("a").Metrics.Guilds })
		if guilds != 6 || took > atOnce {
			t.Errorf("a later view took %s and had %v guilds, want the pushed 6 at once", took, guilds)
		}
	}
	p.expectLine(t, "does not answer")
	p.server.change(func() { p.server.hold, p.server.rows["discord_guilds"] = nil, []string{of("a", "", 7)} })
	close(release)
	p.settle(t)
	p.later(10 * time.Second) // starts a round and does not wait for it
	p.settle(t)
	if got := p.Latest()("a").Metrics.Guilds; got != 7 {
		t.Errorf("guilds %v after it came back, want 7", got)
	}
	p.expectLine(t, "answers again")
}

func TestASlowPrometheusIsAskedBehindTheViews(t *testing.T) {
	p := poll(t)
	release := make(chan struct{})
	p.server.hold, p.server.rows["discord_guilds"] = release, []string{of("a", "", 1)}
	go func() {
		p.awaitRound()
		p.clock.advance(3 * time.Second)
		close(release)
	}()
	p.Latest() // takes three seconds on its clock
	next := make(chan struct{})
	p.server.change(func() { p.server.hold, p.server.rows["discord_guilds"] = next, []string{of("a", "", 2)} })
	if got := p.later(time.Second)("a").Metrics.Guilds; got != 1 {
		t.Errorf("guilds %v while the next round runs, want those of the last", got)
	}
	if got := p.later(2 * time.Minute)("a").Missing; !slices.Contains(got, keyGuilds) {
		t.Error("answers of two minutes ago are shown")
	}
	close(next)
	p.settle(t)
	if got := p.Latest()("a").Metrics.Guilds; got != 2 {
		t.Errorf("guilds %v after the round, want 2", got)
	}
}

func TestOneLinePerChangeOfState(t *testing.T) {
	p := poll(t)
	script(p.server)
	step := func(want string, do func()) {
		t.Helper()
		p.server.change(do)
		for range 3 {
			p.later(10 * time.Second)
			p.settle(t)
		}
		p.expectLine(t, want)
	}
	step("", func() {})
	step("does not answer", func() { p.server.status = http.StatusServiceUnavailable })
	step("answers again", func() { p.server.status = http.StatusOK })
	step("answers in part", func() { p.server.broken["discord_guilds"] = `{}` })
	step("does not answer", func() { p.server.status = http.StatusUnauthorized })
	step("answers in part", func() { p.server.status = http.StatusOK })
	step("answers again", func() { delete(p.server.broken, "discord_guilds") })
	p.server.Close()
	step("connection refused", func() {})
}

func TestASilentPrometheusIsLeftAloneForAWhile(t *testing.T) {
	p := poll(t)
	p.server.status = http.StatusInternalServerError
	p.Latest()
	for range 4 {
		p.later(time.Second)
		p.settle(t)
	}
	if got := p.server.rounds(); got != 1 {
		t.Errorf("%d rounds in four seconds, want 1", got)
	}
	p.later(time.Second)
	p.settle(t)
	if got := p.server.rounds(); got != 2 {
		t.Errorf("%d rounds after five seconds, want 2", got)
	}
}

func TestCloseEndsARoundAndStartsNoOther(t *testing.T) {
	p := poll(t)
	p.server.hold = make(chan struct{})
	go func() {
		p.awaitRound()
		p.Close()
	}()
	if took := timed(func() { p.Latest() }); took > 2*time.Second {
		t.Errorf("a view waited %s for a source that was closed", took)
	}
	p.later(time.Hour)
	if got := p.server.rounds(); got != 1 {
		t.Errorf("%d rounds, want that before the end alone", got)
	}
	if lines := p.log.lines(); len(lines) != 0 {
		t.Errorf("log %q at the end, want none", lines)
	}
}

func FuzzDecodeRows(f *testing.F) {
	f.Add(200, []byte(vector(of("a", "0", 1))))
	f.Add(200, []byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":null,"value":[null,null]}]}}`))
	f.Add(422, []byte(`{"status":"error"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		rows, err := decodeRows(status, body)
		if err != nil && len(rows) > 0 {
			t.Error("rows and an error")
		}
		for _, r := range rows {
			if finite(r.value) != r.value {
				t.Errorf("a row of %v", r.value)
			}
		}
	})
}
