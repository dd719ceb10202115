package rollout

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The states in which a cluster can be.
var (
	missingOne    = Step{Starts: true}
	doneOne       = Step{Exists: true, Updated: true, Available: true, Done: true}
	startingOne   = Step{Exists: true, Updated: true, Since: noon, Patience: time.Minute}
	lateOne       = Step{Exists: true, Updated: true, Since: noon.Add(-time.Hour), Patience: time.Minute}
	outdatedOne   = Step{Exists: true, Available: true, Starts: true}
	brokenOne     = Step{Exists: true, Starts: true}
	driftedOne    = Step{Exists: true, Drifted: true, Available: true, Starts: true}
	relabelledOne = Step{Exists: true, Drifted: true, Available: true}
	stoppedOne    = Step{Exists: true, Updated: true, Stopped: true, Starts: true}
	replacingOne  = Step{Exists: true, Starts: true, Pods: 1, Replacing: true}
	leavingOne    = Step{Exists: true, Updated: true, Stopped: true, Starts: true, Pods: 1}
	loopingOne    = Step{Exists: true, Updated: true, Looping: true, Since: noon, Patience: time.Minute, Pods: 1}
	fallenOne     = Step{Exists: true, Updated: true, Proven: true, Since: noon.Add(-time.Hour), Patience: time.Minute, Pods: 1}
	protectedOne  = Step{Exists: true, Stopped: true, Protected: true}
)

// planOf gives each step a key and one shard of its own, and a bucket for each.
func planOf(width int, steps ...Step) *Plan {
	for i := range steps {
		steps[i].Key, steps[i].Shards = string(rune('a'+i)), Range{First: i, Count: 1}
	}
	return &Plan{Now: noon, Steps: steps, MaxUnavailable: width, Protect: true, Budget: Budget{
		Limit: 1000, MaxConcurrency: 1000, Largest: 1, Ledger: emptyLedger(),
	}}
}

func TestOrder(t *testing.T) {
	for sentence, tc := range map[string]struct {
		plan *Plan
		want Decision
	}{
		"the first of a new bot is its canary":           {planOf(3, missingOne, missingOne), Decision{Write: []int{0}, Start: []int{0}}},
		"the canary is waited for":                       {planOf(3, startingOne, outdatedOne), Decision{Wake: noon.Add(time.Minute)}},
		"as many as may be down follow a done canary":    {planOf(2, doneOne, outdatedOne, outdatedOne, outdatedOne), Decision{Write: []int{1, 2}, Start: []int{1, 2}}},
		"one at a time by default":                       {planOf(0, doneOne, outdatedOne, outdatedOne), Decision{Write: []int{1}, Start: []int{1}}},
		"broken ones come before cluster 0":              {planOf(1, outdatedOne, brokenOne), Decision{Write: []int{1}, Start: []int{1}}},
		"a broken one counts as down":                    {planOf(2, doneOne, brokenOne, outdatedOne, outdatedOne), Decision{Write: []int{1}, Start: []int{1}}},
		"nothing is to be done":                          {planOf(1, doneOne, doneOne), Decision{}},
		"what was changed by hand is put right":          {planOf(1, driftedOne, startingOne, outdatedOne), Decision{Write: []int{0}, Start: []int{0}, Wake: noon.Add(time.Minute)}},
		"a label that was changed starts nothing":        {planOf(1, relabelledOne, doneOne), Decision{Write: []int{0}}},
		"one that takes too long stops the change":       {planOf(1, lateOne, outdatedOne), Decision{Failed: 1}},
		"and what was changed by hand is still healed":   {planOf(1, lateOne, driftedOne, outdatedOne), Decision{Failed: 1, Write: []int{1}, Start: []int{1}}},
		"a new change starts with the failed one":        {planOf(1, brokenOne, outdatedOne), Decision{Write: []int{0}, Start: []int{0}}},
		"a stopped one is started":                       {planOf(1, doneOne, stoppedOne), Decision{Write: []int{1}, Start: []int{1}}},
		"nor is one changed while it replaces its pod":   {planOf(1, replacingOne, outdatedOne), Decision{}},
		"but not while its old pod stands":               {planOf(1, doneOne, leavingOne, outdatedOne), Decision{}},
		"a protected one that asks for pods is stopped":  {planOf(1, Step{Exists: true, Protected: true, Pods: 1}, doneOne), Decision{Stop: []int{0}}},
		"a protected one stays stopped, and counts not":  {planOf(1, protectedOne, doneOne, outdatedOne), Decision{Write: []int{2}, Start: []int{2}}},
		"one that worked once has not failed the change": {planOf(1, doneOne, fallenOne), Decision{}},
		"but counts as down":                             {planOf(1, doneOne, fallenOne, outdatedOne), Decision{}},
		"and leaves the room of a wider change":          {planOf(2, doneOne, fallenOne, outdatedOne), Decision{Write: []int{2}, Start: []int{2}}},
		"a loop is left alone while the budget bears it": {planOf(1, loopingOne), Decision{Wake: noon.Add(time.Minute)}},
	} {
		t.Run(sentence, func(t *testing.T) {
			want := tc.want
			want.Failed, want.Impossible = want.Failed-1, want.Impossible-1
			if diff := cmp.Diff(want, Decide(tc.plan)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestHibernateStopsAllAndFrozenStartsNothing(t *testing.T) {
	plan := planOf(1, doneOne, stoppedOne, missingOne, outdatedOne)
	plan.Hibernate = true
	if diff := cmp.Diff([]int{0, 3}, Decide(plan).Stop); diff != "" {
		t.Errorf("hibernating: -want +got\n%s", diff)
	}
	plan = planOf(1, outdatedOne, driftedOne)
	plan.Frozen = true
	if diff := cmp.Diff([]int{1}, Decide(plan).Write); diff != "" {
		t.Errorf("frozen: -want +got\n%s", diff)
	}
}

func TestTheBudgetHoldsStartsBack(t *testing.T) {
	spent := func(n int, plan *Plan) *Plan {
		plan.Budget.Limit = 100
		plan.Budget.Ledger.Start(noon, "another", "v1", Range{First: 500, Count: 1})
		plan.Budget.Ledger.Spent[noon.Unix()/3600] = n
		return plan
	}
	freed := noon.Add(25 * time.Hour)
	large := func(count int, step Step) *Plan {
		plan := planOf(1, step)
		plan.Steps[0].Shards.Count, plan.Budget.Largest = count, count
		return plan
	}
	for sentence, tc := range map[string]struct {
		plan       *Plan
		starts     int
		until      time.Time
		impossible int
	}{
		"a change may go up to the reserve":              {spent(79, planOf(1, outdatedOne)), 1, time.Time{}, -1},
		"a change waits at the reserve":                  {spent(80, planOf(1, outdatedOne)), 0, freed, -1},
		"a repair may use the reserve":                   {spent(80, planOf(1, brokenOne)), 1, time.Time{}, -1},
		"a repair waits at nine tenths":                  {spent(90, planOf(1, brokenOne)), 0, freed, -1},
		"two starts of one decision count together":      {spent(79, planOf(2, doneOne, outdatedOne, outdatedOne)), 1, freed, -1},
		"a cluster of the whole limit starts on its own": {spent(0, large(100, missingOne)), 1, time.Time{}, -1},
		"and waits for everything else to be freed":      {spent(1, large(100, missingOne)), 0, freed, -1},
		"more shards than the limit can never start":     {spent(0, large(101, missingOne)), 0, time.Time{}, 0},
	} {
		t.Run(sentence, func(t *testing.T) {
			d := Decide(tc.plan)
			if len(d.Start) != tc.starts || !d.BudgetUntil.Equal(tc.until) || d.Impossible != tc.impossible {
				t.Errorf("%+v, want %d starts, until %s, impossible %d", d, tc.starts, tc.until, tc.impossible)
			}
		})
	}
}

func TestALoopIsStoppedBeforeTheLimit(t *testing.T) {
	plan := planOf(1, loopingOne, loopingOne, doneOne)
	plan.Budget.Limit = 100
	plan.Budget.Ledger.Spent[noon.Unix()/3600] = 88
	if d := Decide(plan); len(d.Protect) != 0 {
		t.Errorf("stopped at 88 of 100: %+v", d)
	}
	plan.Budget.Ledger.Spent[noon.Unix()/3600] = 89
	d := Decide(plan)
	if diff := cmp.Diff([]int{0, 1}, d.Protect); diff != "" || len(d.Stop) != 2 {
		t.Errorf("at 89 of 100: %+v", d)
	}
	plan.Protect = false
	if d := Decide(plan); len(d.Protect) != 0 {
		t.Errorf("stopped although protection is off: %+v", d)
	}
}

func TestStartsAreSpacedByBucket(t *testing.T) {
	four := Step{Exists: true, Available: true, Starts: true}
	plan := planOf(4, doneOne, four, four)
	plan.Steps[1].Shards, plan.Steps[2].Shards = Range{First: 4, Count: 4}, Range{First: 8, Count: 4}
	plan.Budget.MaxConcurrency = 1
	d := Decide(plan)
	if diff := cmp.Diff([]int{1}, d.Start); diff != "" || !d.Wake.Equal(noon.Add(20*time.Second)) {
		t.Errorf("one bucket: %+v, want cluster 1 now and the next in 20 s", d)
	}
	plan.Budget.MaxConcurrency = 16
	if d := Decide(plan); len(d.Start) != 2 {
		t.Errorf("sixteen buckets: %+v, want both now", d)
	}
	plan.Budget.MaxConcurrency = 1
	plan.Budget.Ledger.Start(noon.Add(-12*time.Second), "another bot/0", "v1", Range{Count: 4})
	if d := Decide(plan); len(d.Start) != 0 || !d.Wake.Equal(noon.Add(8*time.Second)) {
		t.Errorf("another bot of the token starts: %+v, want none for 8 s", d)
	}
}

func TestGate(t *testing.T) {
	started := noon
	fresh := Member{
		Up: true, RegisteredAt: noon.Add(time.Second), ValuesAt: noon.Add(2 * time.Second), ShardsUp: 4, ShardsTotal: 4, Interval: 15 * time.Second,
	}
	now := noon.Add(20 * time.Second)
	with := func(change func(*Member)) *Member {
		member := fresh
		change(&member)
		return &member
	}
	for sentence, tc := range map[string]struct {
		member *Member
		start  time.Time
		open   bool
	}{
		"fresh values and all shards up":      {&fresh, started, true},
		"not registered at all":               {nil, started, false},
		"down":                                {with(func(m *Member) { m.Up = false }), started, false},
		"the registration of the old process": {with(func(m *Member) { m.RegisteredAt = noon.Add(-time.Hour) }), started, false},
		"values of the old process":           {with(func(m *Member) { m.ValuesAt = noon.Add(-time.Second) }), started, false},
		"the last ones of an old process that had just registered": {with(func(m *Member) {
			m.RegisteredAt, m.ValuesAt = noon.Add(-5*time.Second), noon.Add(900*time.Millisecond)
		}), started, false},
		"no values yet":                 {with(func(m *Member) { m.ValuesAt = time.Time{} }), started, false},
		"a shard is missing":            {with(func(m *Member) { m.ShardsUp = 3 }), started, false},
		"values without shards":         {with(func(m *Member) { m.ShardsUp, m.ShardsTotal = 0, 0 }), started, true},
		"registered, and no values yet": {with(func(m *Member) { m.ShardsUp, m.ShardsTotal, m.ValuesAt = 0, 0, time.Time{} }), started, false},
		"a member that never sends values": {with(func(m *Member) {
			m.ShardsUp, m.ShardsTotal, m.ValuesAt, m.Interval = 0, 0, time.Time{}, 4*time.Second
		}), started, true},
		"one that may just have registered by a clock that lags": {with(func(m *Member) {
			m.ShardsUp, m.ShardsTotal, m.ValuesAt, m.Interval, m.RegisteredAt = 0, 0, time.Time{}, time.Second, now.Add(-9*time.Second)
		}), started, false},
		"one whose values a control plane that crashed has lost": {with(func(m *Member) {
			m.ShardsUp, m.ShardsTotal, m.ValuesAt, m.RegisteredAt, m.HeardSince = 0, 0, time.Time{}, noon.Add(-time.Hour), now.Add(-time.Second)
		}), noon.Add(-time.Hour), false},
		"a container whose start is not known": {&fresh, time.Time{}, false},
		"a registration by a clock that lags":  {with(func(m *Member) { m.RegisteredAt = noon.Add(-9 * time.Second) }), started, true},
	} {
		t.Run(sentence, func(t *testing.T) {
			if open, why, _ := Gate(now, tc.member, tc.start, 4); open != tc.open || (!open && why == "") {
				t.Errorf("open %v (%q), want %v", open, why, tc.open)
			}
		})
	}
}

// A member that has sent nothing may turn out to send nothing at all, which no heartbeat
// tells: the gate says when to look.
func TestAGateThatOpensByItselfSaysWhen(t *testing.T) {
	silent := Member{Up: true, RegisteredAt: noon.Add(time.Second), Interval: 15 * time.Second}
	opens := silent.RegisteredAt.Add(beatsUntilValues*silent.Interval + clockSkew)
	if open, _, at := Gate(noon.Add(20*time.Second), &silent, noon, 4); open || !at.Equal(opens) {
		t.Errorf("open %v, and opens at %s, want later at %s", open, at, opens)
	}
	if open, _, _ := Gate(opens, &silent, noon, 4); !open {
		t.Error("it is not open when it said it would be")
	}
	reporting := silent
	reporting.ShardsTotal = 4
	if _, _, at := Gate(noon.Add(20*time.Second), &reporting, noon, 4); !at.IsZero() {
		t.Errorf("a member that reports shards opens the gate by itself at %s", at)
	}
}

// Whatever happens to the pods, what the operator starts never takes the token past
// its limit, the ledger knows of every start that can be seen, and crash loops end
// before the limit.
func TestTheLimitIsNeverPassed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			m.now = m.now.Add(time.Duration(rapid.IntRange(1, 3600).Draw(t, "seconds")) * time.Second)
			m.happen(t)
			if rapid.IntRange(0, 3).Draw(t, "operator is away") > 0 {
				m.reconcile(t)
			}
		}
	})
}

// model plays Kubernetes: clusters with one pod each, and what was really started.
type model struct {
	now    time.Time
	ledger string
	limit  int
	pods   []*Pod
	shards []Range
	old    []bool
	off    []bool
	// identifies by when they happened, and by whom.
	identifies []identify
	uids       int
}

type identify struct {
	at      time.Time
	cluster int
	shards  int
	seen    bool
}

func newModel(t *rapid.T) *model {
	m := &model{now: noon, limit: rapid.IntRange(5, 60).Draw(t, "limit")}
	first := 0
	for range rapid.IntRange(1, 4).Draw(t, "clusters") {
		count := rapid.IntRange(1, 6).Draw(t, "shards")
		m.shards = append(m.shards, Range{First: first, Count: count})
		first += count
		m.pods, m.old, m.off = append(m.pods, nil), append(m.old, true), append(m.off, true)
	}
	return m
}

func (m *model) happen(t *rapid.T) {
	i := rapid.IntRange(0, len(m.pods)-1).Draw(t, "cluster")
	switch rapid.SampledFrom([]string{"restart", "new spec", "pod deleted", "nothing"}).Draw(t, "event") {
	case "restart":
		if pod := m.pods[i]; pod != nil {
			pod.Restarts++
			pod.StartedAt, pod.Looping = m.now, true
			m.identify(i)
		}
	case "new spec":
		for j := range m.old {
			m.old[j] = true
		}
	case "pod deleted":
		if m.pods[i] != nil {
			// What a pod started that nobody looked at before it went is nobody's to know.
			m.identifies = slices.DeleteFunc(m.identifies, func(one identify) bool { return !one.seen && one.cluster == i })
			m.startPod(i)
		}
	}
}

func (m *model) identify(i int) {
	m.identifies = append(m.identifies, identify{at: m.now, cluster: i, shards: m.shards[i].Count})
}

func (m *model) startPod(i int) {
	m.uids++
	m.pods[i] = &Pod{UID: string(rune('A' + m.uids)), CreatedAt: m.now, StartedAt: m.now, Started: true}
	m.identify(i)
}

func (m *model) lastDay() int {
	used := 0
	for _, one := range m.identifies {
		if m.now.Sub(one.at) < window {
			used += one.shards
		}
	}
	return used
}

func (m *model) reconcile(t *rapid.T) {
	ledger, err := ParseLedger(m.ledger)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.identifies {
		m.identifies[i].seen = true
	}
	plan := &Plan{Now: m.now, MaxUnavailable: rapid.IntRange(1, 3).Draw(t, "width"), Protect: true}
	largest := 0
	for i, shards := range m.shards {
		key := string(rune('a' + i))
		var pods []Pod
		if m.pods[i] != nil {
			pods = []Pod{*m.pods[i]}
		}
		works := m.pods[i] != nil && !m.pods[i].Looping
		ledger.Observe(m.now, key, shards, pods, 0)
		if works && !m.old[i] {
			ledger.Prove(m.now, key, "r")
		}
		plan.Steps = append(plan.Steps, Step{
			Key: key, Shards: shards, Exists: true, Updated: !m.old[i], Stopped: m.off[i], Starts: true,
			Available: works, Done: works && !m.old[i], Looping: ledger.Looping(m.now, key, m.limit),
			Protected: ledger.Stopped(key, "r"), Since: m.now, Patience: time.Hour,
		})
		largest = max(largest, shards.Count)
	}
	plan.Budget = Budget{Limit: m.limit, MaxConcurrency: 100, Largest: largest, Ledger: ledger}
	m.carryOut(t, plan)
}

func (m *model) carryOut(t *rapid.T, plan *Plan) {
	ledger := plan.Budget.Ledger
	d := Decide(plan)
	for _, i := range d.Stop {
		ledger.Stop(m.now, plan.Steps[i].Key, "r")
		m.pods[i], m.off[i] = nil, true
	}
	for _, i := range d.Start {
		ledger.Start(m.now, plan.Steps[i].Key, "v1", m.shards[i])
		m.ledger = ledger.String()
		if rapid.IntRange(0, 9).Draw(t, "operator crashes") == 0 {
			return // after the debit, before the start
		}
		m.old[i], m.off[i] = false, false
		m.startPod(i)
		if used := m.lastDay(); used > m.limit && ledger.Used(m.now) < used {
			t.Fatalf("the operator started %d shards when %d of %d were spent, of which the ledger knew %d",
				m.shards[i].Count, used-m.shards[i].Count, m.limit, ledger.Used(m.now)-m.shards[i].Count)
		}
		if used := ledger.Used(m.now); used > m.limit {
			t.Fatalf("the operator started cluster %d and passed the limit: %d of %d", i, used, m.limit)
		}
	}
	m.ledger = ledger.String()
}
