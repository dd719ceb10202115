//go:build e2e

// Package prometheus holds the control plane's sources of values against each
// other: two reference bots push to a receiver of heartbeats, a real Prometheus
// scrapes them, and what follows from both must agree.
package prometheus

import (
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/source"
)

const (
	// discovered is a bot that Prometheus learns of from the control plane, with
	// its identity as target label; static is one that it scrapes without.
	discovered, static = "mybot-0", "mybot-1"
	// settling is how long both sources gather. Prometheus divides by its whole
	// window from the start, pushes by the time for which they have come.
	settling         = 15 * time.Second
	prometheusWindow = 5 * time.Minute
)

func TestPushAndPrometheus(t *testing.T) {
	plane := startPlane(t)
	bot, bots := buildBot(t), map[string]*process{}
	for identity, shards := range map[string][]string{
		discovered: {"--shards=4", "--shard-down=3"},
		static:     {"--shards=2"},
	} {
		bots[identity] = startBot(t, bot, plane, identity, shards...)
	}
	plane.discover(discovered, bots[discovered].address)
	server := newPrometheus(t, plane.URL, bots[static].address)
	server.start(t)

	log := &lineLog{}
	polled := server.source(t, slog.New(slog.NewTextHandler(log, nil)))
	both := source.NewComposite(polled, plane.push)
	t.Cleanup(both.Close)
	alone := source.NewComposite(polled, source.NewPush(time.Now)) // what Prometheus knows, and no more

	server.await(t, alone, plane)
	since := time.Now().Add(-time.Second) // two scrapes it took
	time.Sleep(settling)

	t.Run("a discovered bot has the same values from both", func(t *testing.T) {
		agree(t, plane.push.Values(discovered), alone.Latest()(discovered), time.Since(since))
	})
	t.Run("a bot without a target label has no shards in Prometheus, so they are the pushed ones", func(t *testing.T) {
		only, joined, pushed := alone.Latest()(static), both.Latest()(static), plane.push.Values(static)
		if diff := cmp.Diff([]string{"latency_seconds", "shards_up"}, only.Missing); diff != "" || len(only.Shards) > 0 {
			t.Errorf("Prometheus lacks (-want +got)\n%s and has the shards %v", diff, only.Shards)
		}
		if len(pushed.Shards) != 2 {
			t.Fatalf("pushed shards %v, want two", pushed.Shards)
		}
		if diff := cmp.Diff(stateOf(pushed.Shards), stateOf(joined.Shards)); diff != "" || joined.Metrics.ShardsUp != 2 {
			t.Errorf("joined shards, %v up (-want +got)\n%s", joined.Metrics.ShardsUp, diff)
		}
		near(t, "guilds", joined.Metrics.Guilds, only.Metrics.Guilds, 0.01, 0)
	})
	t.Run("without Prometheus the pushed values stay", func(t *testing.T) {
		log.take() // a busy machine may have made it late before
		server.process.kill()
		silence(t, both)
		for identity := range bots {
			before := plane.push.Values(identity)
			joined := both.Latest()(identity)
			if after := plane.push.Values(identity); after.At == before.At {
				if diff := cmp.Diff(before.Metrics, joined.Metrics); diff != "" {
					t.Errorf("%s (-pushed +shown)\n%s", identity, diff)
				}
			}
			near(t, identity+"'s guilds", joined.Metrics.Guilds, before.Metrics.Guilds, 0.01, 0)
			near(t, identity+"'s interactions", joined.Metrics.InteractionsRate, before.Metrics.InteractionsRate, 0.3, 0)
			if len(joined.Shards) != len(before.Shards) {
				t.Errorf("%s shows %d shards, %d are pushed", identity, len(joined.Shards), len(before.Shards))
			}
		}
		log.expect(t, "does not answer")
	})
	t.Run("and when it is back, so are its values", func(t *testing.T) {
		server.start(t)
		eventually(t, func() string {
			if only := alone.Latest()(discovered); only.Metrics.Guilds == 0 {
				return "Prometheus has no guilds"
			}
			return ""
		})
		log.expect(t, "answers again")
	})
}

// silence asks until Prometheus is no longer believed.
func silence(t *testing.T, values *source.Composite) {
	t.Helper()
	started := time.Now()
	values.Latest()
	time.Sleep(2 * window)
	values.Latest()
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("two views took %s while Prometheus was gone", took)
	}
}

func agree(t *testing.T, pushed, polled source.Values, elapsed time.Duration) {
	t.Helper()
	if diff := cmp.Diff(pushed.Missing, polled.Missing); diff != "" {
		t.Errorf("missing (-pushed +polled)\n%s", diff)
	}
	if diff := cmp.Diff(stateOf(pushed.Shards), stateOf(polled.Shards)); diff != "" {
		t.Errorf("shards (-pushed +polled)\n%s", diff)
	}
	scale := prometheusWindow.Seconds() / elapsed.Seconds()
	p, q := pushed.Metrics, polled.Metrics
	near(t, "latency", q.LatencySeconds, p.LatencySeconds, 0.2, 0)
	near(t, "shards up", q.ShardsUp, p.ShardsUp, 0, 0)
	near(t, "guilds", q.Guilds, p.Guilds, 0.01, 0)
	near(t, "cached users", q.CachedUsers, p.CachedUsers, 0.01, 0)
	near(t, "interactions a second", q.InteractionsRate*scale, p.InteractionsRate, 0.3, 0)
	near(t, "error rate", q.ErrorRate, p.ErrorRate, 0.5, 0.005)
	near(t, "p95", q.DurationP95Seconds, p.DurationP95Seconds, 0.15, 0)
	near(t, "rate limits a second", q.RateLimitsRate*scale, p.RateLimitsRate, 0.5, 0.1)
	near(t, "uptime", q.UptimeSeconds, p.UptimeSeconds, 0, 4)
	if p.Guilds == 0 || p.InteractionsRate == 0 || p.DurationP95Seconds == 0 || p.ShardsUp != 3 {
		t.Errorf("the bot pushes nothing to compare with: %+v", p)
	}
}

func near(t *testing.T, what string, got, want, relative, absolute float64) {
	t.Helper()
	if math.Abs(got-want) > math.Abs(want)*relative+absolute {
		t.Errorf("%s: %v, want %v within %v %% + %v", what, got, want, 100*relative, absolute)
	}
}

// stateOf is which shards are up.
func stateOf(shards []fleetapi.Shard) map[string]string {
	states := map[string]string{}
	for _, shard := range shards {
		states[shard.ID] = shard.Status
	}
	return states
}

func (l *lineLog) expect(t *testing.T, want string) {
	t.Helper()
	if lines := l.take(); len(lines) != 1 || !strings.Contains(lines[0], want) {
		t.Errorf("log %q, want one line with %q", lines, want)
	}
}
