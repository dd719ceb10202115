package source

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// totals are the lines of a process's counters.
func totals(errors, commands, interactions, rateLimits int) []line {
	return []line{
		{"command_errors_total", `"command": "x"`, strconv.Itoa(errors)},
		{"app_commands_total", `"command": "x"`, strconv.Itoa(commands)},
		{"interactions_total", ``, strconv.Itoa(interactions)},
		{"ratelimits_total", ``, strconv.Itoa(rateLimits)},
	}
}

func expect(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestRatesComeFromConsecutiveSnapshots(t *testing.T) {
	p := newPusher(t)
	p.push(0, totals(10, 100, 1000, 5)...)
	got := p.push(20, totals(11, 104, 1100, 7)...)
	expect(t, "interactions rate", got.Metrics.InteractionsRate, 5)
	expect(t, "rate limits rate", got.Metrics.RateLimitsRate, 0.1)
	expect(t, "error rate", got.Metrics.ErrorRate, 0.25)
	for _, key := range []string{keyInteractions, keyRateLimits, keyErrorRate} {
		if slices.Contains(got.Missing, key) {
			t.Errorf("%s is missing", key)
		}
	}
}

func TestTheWindowForgetsWhatIsOlderThanFiveMinutes(t *testing.T) {
	p := newPusher(t)
	p.push(0, totals(0, 0, 0, 0)...)
	p.push(15, totals(50, 100, 3000, 0)...) // a busy start
	var got Values
	for range 20 {
		got = p.push(15, totals(50, 100, 3000, 0)...)
	}
	expect(t, "interactions rate after five quiet minutes", got.Metrics.InteractionsRate, 0)
	if !slices.Contains(got.Missing, keyErrorRate) || got.Metrics.ErrorRate != 0 {
		t.Error("without traffic in the window the error rate is known")
	}
	if slices.Contains(got.Missing, keyInteractions) {
		t.Error("a rate of 0 is missing")
	}
}

func TestARestartCountsFromZero(t *testing.T) {
	p := newPusher(t)
	p.push(0, totals(100, 1000, 5000, 0)...)
	p.push(10, totals(100, 1010, 5050, 0)...)
	got := p.push(10, totals(1, 10, 50, 0)...) // the process's counters began again
	expect(t, "interactions rate over a reset", got.Metrics.InteractionsRate, 5)
	expect(t, "error rate over a reset", got.Metrics.ErrorRate, 0.05)
}

func TestACounterThatAppearsLaterCountsInFull(t *testing.T) {
	p := newPusher(t)
	p.push(0, line{"app_commands_total", `"command": "x"`, "100"})
	got := p.push(10,
		line{"app_commands_total", `"command": "x"`, "100"},
		line{"app_commands_total", `"command": "y"`, "10"},
		line{"command_errors_total", `"command": "y"`, "5"})
	expect(t, "error rate", got.Metrics.ErrorRate, 0.5)
}

func TestThePercentileIsTheWindows(t *testing.T) {
	p := newPusher(t)
	slow := buckets("0.1", 0, "1.0", 0, "10.0", 1000, "+Inf", 1000)
	p.push(0, slow...)
	got := p.push(15, buckets("0.1", 100, "1.0", 100, "10.0", 1100, "+Inf", 1100)...)
	expect(t, "p95 of a fast window after a slow life", got.Metrics.DurationP95Seconds, 0.095)
	got = p.push(15, buckets("0.1", 0, "1.0", 100, "10.0", 100, "+Inf", 100)...) // restarted
	expect(t, "p95 over a restart", got.Metrics.DurationP95Seconds, 0.1+0.9*0.9)
	p.push(400, buckets("0.1", 0, "1.0", 100, "10.0", 100, "+Inf", 100)...)
	got = p.push(400, buckets("0.1", 0, "1.0", 100, "10.0", 100, "+Inf", 100)...)
	if !slices.Contains(got.Missing, keyDurationP95) {
		t.Error("without a command in the window the percentile is known")
	}
}

func TestAWindowHasFewPointsHoweverOftenAMemberBeats(t *testing.T) {
	var w window
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for i := range 3000 {
		w.observe(at.Add(time.Duration(i)*time.Second), counters{interactions: float64(10 * i)})
	}
	if len(w.points) > 24 {
		t.Errorf("%d points", len(w.points))
	}
	got, ok := w.measure()
	if !ok {
		t.Fatal("no window")
	}
	expect(t, "rate", got.interactions/got.seconds, 10)
	if got.seconds < 300 || got.seconds > 320 {
		t.Errorf("the window is %v s long", got.seconds)
	}
}

func TestANewProcessStartsWithoutValuesAndItsForerunnerIsIgnored(t *testing.T) {
	p := newPusher(t)
	p.push(0, totals(1, 2, 3, 4)...)
	p.p.Begin("a", 2)
	if got := p.p.Values("a"); !got.At.IsZero() || len(got.Missing) != 9 {
		t.Errorf("values of the last process are still there: %+v", got)
	}
	p.p.Observe("a", 1, read(t, totals(1, 2, 3, 4)...))
	if got := p.p.Values("a"); !got.At.IsZero() {
		t.Error("a late snapshot of the last process was taken")
	}
	p.p.Observe("a", 3, read(t, line{"guilds", ``, "9"}))
	p.p.Begin("a", 3)
	if got := p.p.Values("a"); got.Metrics.Guilds != 9 {
		t.Error("the new process's own snapshot was dropped because it came early")
	}
	p.p.Forget("a")
	if got := p.p.Values("a"); len(got.Missing) != 9 {
		t.Error("forgotten values are still there")
	}
}

func TestAnOversizedSnapshotIsNotedOfThePresentProcess(t *testing.T) {
	guilds := []line{{"guilds", ``, "9"}}
	none, kept := NoValues(), newPusher(t).push(0, guilds...)
	none.Oversized, kept.Oversized = true, true
	for name, tc := range map[string]struct {
		before func(pusher)
		want   Values
	}{
		"nothing is known of it, as after a restart": {func(p pusher) { p.p.Forget("a") }, none},
		"it has begun":                 {func(p pusher) { p.p.Begin("a", 2) }, none},
		"it has sent values":           {func(p pusher) { p.p.Observe("a", 2, read(t, guilds...)) }, kept},
		"only its forerunner is known": {func(p pusher) { p.push(0, guilds...) }, none},
		"another one came after it":    {func(p pusher) { p.p.Begin("a", 3) }, NoValues()},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPusher(t)
			tc.before(p)
			p.p.Oversized("a", 2)
			if diff := cmp.Diff(tc.want, p.p.Values("a"), cmp.AllowUnexported(Values{}, pair{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
