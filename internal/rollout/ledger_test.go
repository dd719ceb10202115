package rollout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func emptyLedger() *Ledger {
	ledger, err := ParseLedger("")
	if err != nil {
		panic(err)
	}
	return ledger
}

func pod(uid string, createdAfter time.Duration, restarts int) Pod {
	return Pod{UID: uid, CreatedAt: noon.Add(createdAfter), Started: true, Restarts: restarts}
}

func TestObserveDebitsWhatWasNotPaidFor(t *testing.T) {
	four := Range{First: 0, Count: 4}
	look := func(l *Ledger, pods ...Pod) { l.Observe(noon.Add(time.Minute), "bot/0", four, pods, 0) }
	for sentence, tc := range map[string]struct {
		history func(*Ledger)
		want    int
	}{
		"a start that the operator debited is not debited again": {func(l *Ledger) {
			l.Start(noon, "bot/0", "v1", four)
			look(l, pod("a", 0, 0))
		}, 4},
		"the same pod costs once": {func(l *Ledger) {
			look(l, pod("a", 0, 0))
			look(l, pod("a", 0, 0))
		}, 4},
		"a container's restart costs its shards": {func(l *Ledger) {
			l.Start(noon, "bot/0", "v1", four)
			look(l, pod("a", 0, 0))
			look(l, pod("a", 0, 2))
		}, 12},
		"an unseen pod costs all its starts": {func(l *Ledger) { look(l, pod("a", 0, 3)) }, 16},
		"a pod that has not started costs nothing": {func(l *Ledger) {
			look(l, Pod{UID: "a", CreatedAt: noon})
		}, 0},
		"a replaced pod costs again": {func(l *Ledger) {
			l.Start(noon, "bot/0", "v1", four)
			look(l, pod("a", 0, 0))
			look(l, pod("a", 0, 0), pod("b", time.Second, 0))
		}, 8},
		"an old pod beside a seen one has been paid for": {func(l *Ledger) {
			look(l, pod("b", time.Second, 0))
			look(l, pod("a", 0, 0), pod("b", time.Second, 0))
		}, 4},
		"a start that is tried again before it happened costs once": {func(l *Ledger) {
			l.Start(noon, "bot/0", "v1", four)
			l.Start(noon, "bot/0", "v1", four)
			look(l, pod("a", 0, 0))
		}, 4},
		"a larger start in place of one that never happened costs the difference": {func(l *Ledger) {
			l.Start(noon, "bot/0", "v1", four)
			l.Start(noon, "bot/0", "v1", Range{Count: 6})
		}, 6},
		"a loop found after an absence costs what it can have started": {func(l *Ledger) {
			looping := pod("a", 0, 1)
			looping.Looping = true
			l.Observe(noon, "bot/0", four, []Pod{looping}, time.Hour)
		}, 4 * (quickRestarts + 12)},
	} {
		t.Run(sentence, func(t *testing.T) {
			ledger := emptyLedger()
			tc.history(ledger)
			again, err := ParseLedger(ledger.String())
			if err != nil {
				t.Fatal(err)
			}
			if got := again.Used(noon.Add(time.Minute)); got != tc.want {
				t.Errorf("used %d, want %d", got, tc.want)
			}
			if diff := cmp.Diff(ledger, again); diff != "" {
				t.Errorf("what was written is not what is read\n%s", diff)
			}
		})
	}
}

// A loop is one of a revision: what is mended begins anew, what is merely healed does not.
func TestALoopIsOneOfARevision(t *testing.T) {
	for sentence, tc := range map[string]struct {
		revision string
		looping  bool
	}{"another revision": {"v2", false}, "the same": {"v1", true}} {
		t.Run(sentence, func(t *testing.T) {
			ledger, _ := ParseLedger("")
			at := noon
			ledger.Start(at, "bot/0", "v1", Range{Count: 16})
			for restarts := range 4 {
				at = at.Add(time.Minute)
				ledger.Observe(at, "bot/0", Range{Count: 16}, []Pod{{UID: "a", CreatedAt: noon, Started: true, Restarts: restarts}}, 0)
			}
			if !ledger.Looping(at, "bot/0", 1000) {
				t.Fatal("four starts in as many minutes are no loop")
			}
			ledger.Start(at, "bot/0", tc.revision, Range{Count: 16})
			if got := ledger.Looping(at, "bot/0", 1000); got != tc.looping {
				t.Errorf("it loops: %v", got)
			}
		})
	}
}

// A ledger that is younger than a pod is not charged for what the pod did before today.
func TestAPodThatIsOlderThanItsLedger(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	shards := Range{Count: 16}
	pod := Pod{UID: "old", CreatedAt: now.Add(-2000 * time.Hour), Started: true, Restarts: 16}
	for sentence, tc := range map[string]struct {
		started time.Time
		want    int
	}{
		"its last start is months ago": {now.Add(-1000 * time.Hour), 16},
		"its last start is of today":   {now.Add(-time.Hour), 17*16 + 16}, // each of them may be
		"nobody knows when":            {time.Time{}, 17*16 + 16},
	} {
		t.Run(sentence, func(t *testing.T) {
			ledger, _ := ParseLedger("")
			pod := pod
			pod.StartedAt = tc.started
			ledger.Observe(now, "bot/0", shards, []Pod{pod}, 0)
			pod.Restarts, pod.StartedAt = 17, now
			ledger.Observe(now, "bot/0", shards, []Pod{pod}, 0)
			if used := ledger.Used(now); used != tc.want {
				t.Errorf("after one more start %d are used, want %d", used, tc.want)
			}
		})
	}
}

func TestStartsCountForADay(t *testing.T) {
	ledger := emptyLedger()
	ledger.Start(noon, "bot/0", "v1", Range{Count: 10})
	ledger.Start(noon.Add(3*time.Hour), "bot/1", "v1", Range{Count: 5})
	for after, want := range map[time.Duration]int{
		4 * time.Hour: 15, 24*time.Hour + 59*time.Minute: 15, 25 * time.Hour: 5, 28 * time.Hour: 0,
	} {
		if got := ledger.Used(noon.Add(after)); got != want {
			t.Errorf("after %s %d starts count, want %d", after, got, want)
		}
	}
	if at, want := ledger.FreeAt(noon, 11), noon.Add(28*time.Hour); !at.Equal(want) {
		t.Errorf("11 starts are free at %s, want %s", at, want)
	}
	if at := ledger.FreeAt(noon, 16); !at.IsZero() {
		t.Errorf("16 starts are free at %s, want never: only 15 were spent", at)
	}
}

func TestThreeStartsWithoutSuccessAreALoop(t *testing.T) {
	ledger := emptyLedger()
	one := Range{Count: 1}
	at := noon
	for restarts := range 3 {
		if ledger.Looping(at, "bot/0", 1000) {
			t.Fatalf("a loop after %d starts", restarts)
		}
		at = noon.Add(time.Duration(restarts) * 5 * time.Minute)
		ledger.Observe(at, "bot/0", one, []Pod{{UID: "a", CreatedAt: noon, Started: true, Restarts: restarts, StartedAt: at}}, 0)
	}
	if !ledger.Looping(at, "bot/0", 1000) {
		t.Fatal("three starts within ten minutes are no loop")
	}
	if ledger.Looping(at.Add(loopSpan+time.Second), "bot/0", 1000) {
		t.Error("still a loop a quarter of an hour after the last start")
	}
	ledger.Prove(at, "bot/0", "r1")
	if ledger.Looping(at, "bot/0", 1000) {
		t.Error("still a loop although the cluster works")
	}
}

// A bot that comes to work and then ends, again and again, spends the token as surely
// as one that never works.
func TestComingBackTooOftenIsALoop(t *testing.T) {
	const hour = time.Hour
	for sentence, tc := range map[string]struct {
		shards  int
		between time.Duration
		after   time.Duration
		want    bool
	}{
		"sixteen shards every ten minutes are 2304 a day":      {16, hour / 6, 0, true},
		"sixteen shards every half hour are 768 a day":         {16, hour / 2, 0, false},
		"sixty-four shards every hour are 1536 a day":          {64, hour, 0, true},
		"one shard every five minutes is 288 a day":            {1, hour / 12, 0, false},
		"a bot that has come to rest is none":                  {16, hour / 6, hour, false},
		"a bot that is due again in a moment is one all along": {64, hour, 2 * hour, true},
	} {
		t.Run(sentence, func(t *testing.T) {
			ledger, shards, at := emptyLedger(), Range{Count: tc.shards}, noon
			ledger.Start(at, "bot/0", "v1", shards)
			for restarts := range 4 {
				seen := pod("a", 0, restarts)
				seen.StartedAt = at
				ledger.Observe(at, "bot/0", shards, []Pod{seen}, 0)
				ledger.Prove(at, "bot/0", "r") // it works each time
				at = at.Add(tc.between)
			}
			now := at.Add(tc.after - tc.between)
			if got := ledger.Looping(now, "bot/0", 1000); got != tc.want {
				t.Errorf("looping %v, want %v: %+v", got, tc.want, ledger.Clusters["bot/0"])
			}
			ledger.Resume(now, "bot/0")
			if ledger.Looping(now, "bot/0", 1000) {
				t.Error("a person's word does not end it")
			}
		})
	}
}

// What the operator was asked for is no loop, however often.
func TestManyChangesAreNoLoop(t *testing.T) {
	ledger, shards := emptyLedger(), Range{Count: 64}
	for i := range 5 {
		at := noon.Add(time.Duration(i) * 20 * time.Minute)
		ledger.Start(at, "bot/0", "v1", shards)
		one := pod(string(rune('a'+i)), at.Sub(noon), 0)
		one.StartedAt = at
		ledger.Observe(at, "bot/0", shards, []Pod{one}, 0)
		ledger.Prove(at, "bot/0", "r")
		if ledger.Looping(at, "bot/0", 1000) {
			t.Fatalf("change %d is taken for a loop: %+v", i, ledger.Clusters["bot/0"])
		}
	}
}

func TestAQuietClusterDoesNotChangeTheLedger(t *testing.T) {
	ledger := emptyLedger()
	four := Range{Count: 4}
	ledger.Start(noon, "bot/0", "v1", four)
	running := pod("a", 0, 0)
	ledger.Observe(noon, "bot/0", four, []Pod{running}, 0)
	ledger.Prove(noon, "bot/0", "r1")
	before := ledger.String()
	for minute := range 60 {
		at := noon.Add(time.Duration(minute) * time.Minute)
		ledger.Observe(at, "bot/0", four, []Pod{running}, 0)
		ledger.Prove(at, "bot/0", "r1")
	}
	if after := ledger.String(); after != before {
		t.Errorf("the ledger changed\nfrom %s\nto   %s", before, after)
	}
}

func TestALedgerThatIsNoneIsAnError(t *testing.T) {
	if _, err := ParseLedger("{"); err == nil {
		t.Error("a truncated ledger was read")
	}
}
