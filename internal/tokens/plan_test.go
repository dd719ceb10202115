package tokens

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

const pepper = "a-pepper"

var (
	noon   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	timing = Timing{TTL: 45 * time.Second, Grace: 5 * time.Minute}
)

// vaultOf has the same list in front of each surface, its tokens prefixed by the key.
func vaultOf(list string) Vault {
	v := Vault{Server: map[string][]byte{KeyPepper: []byte(pepper + "\n")}, Marks: Marks{RotatedAt: noon.Add(-time.Hour)}}
	for _, k := range kinds() {
		var tokens []string
		for _, token := range List([]byte(list)) {
			tokens = append(tokens, k.surface+"-"+token)
		}
		v.Server[k.key] = []byte(strings.Join(tokens, ","))
	}
	return v
}

// rotating is a vault in the midst of a rotation that supersedes the tokens named old.
func rotating(list, handed string, old ...string) Vault {
	v := vaultOf(list)
	v.Member, v.Viewer = "ingest-"+handed, "viewer-"+handed
	v.Marks.Since = noon.Add(-10 * time.Minute)
	for _, k := range kinds() {
		for _, token := range old {
			v.Marks.Superseded = append(v.Marks.Superseded, fleetapi.Fingerprint(pepper, k.surface, k.surface+"-"+token))
		}
	}
	return v
}

// shows is a control plane that accepts the tokens of a list on both surfaces. Those
// behind a colon were used so long ago.
func shows(list string, clusters ...fleetapi.ClusterStatus) Sight {
	infos := func(surface string) []fleetapi.TokenInfo {
		found := []fleetapi.TokenInfo{}
		for _, entry := range List([]byte(list)) {
			name, age, used := strings.Cut(entry, ":")
			info := fleetapi.TokenInfo{Fingerprint: fleetapi.Fingerprint(pepper, surface, surface+"-"+name)}
			if used {
				duration, err := time.ParseDuration(age)
				if err != nil {
					panic(err)
				}
				seconds := duration.Seconds()
				info.LastUsedAgeSeconds = &seconds
			}
			found = append(found, info)
		}
		return found
	}
	return Sight{At: noon.Add(-time.Second), Tokens: &fleetapi.Tokens{Ingest: infos("ingest"), Viewer: infos("viewer")}, Clusters: clusters}
}

// with is a member that beats with a token, "" for one that is not known.
func with(identity, token string) fleetapi.ClusterStatus {
	c := fleetapi.ClusterStatus{Identity: identity, Status: fleetapi.StatusUp}
	if token != "" {
		c.Token = fleetapi.Fingerprint(pepper, "ingest", "ingest-"+token)
	}
	return c
}

func down(c fleetapi.ClusterStatus) fleetapi.ClusterStatus {
	c.Status = fleetapi.StatusDown
	return c
}

func (v Vault) changed(change func(*Vault)) Vault {
	change(&v)
	return v
}

func TestPlanAtRest(t *testing.T) {
	const stable, adding = v1alpha1.PhaseStable, v1alpha1.PhaseAdding
	handled := func(v *Vault) { v.Marks.Rotate, v.Marks.Drop = "r1", "d1" }
	for sentence, tc := range map[string]struct {
		vault   Vault
		request Request
		sight   Sight
		want    Plan
	}{
		"nothing is asked for":                      {vaultOf("a"), Request{}, Sight{}, Plan{Phase: stable}},
		"a person asks":                             {vaultOf("a"), Request{Rotate: "r1"}, Sight{}, Plan{Phase: stable, Step: StepAdd}},
		"what was asked for has been done":          {vaultOf("a").changed(handled), Request{Rotate: "r1"}, Sight{}, Plan{Phase: stable}},
		"a person asks again":                       {vaultOf("a").changed(handled), Request{Rotate: "r2"}, Sight{}, Plan{Phase: stable, Step: StepAdd}},
		"a period that has passed":                  {vaultOf("a"), Request{Period: time.Hour}, Sight{}, Plan{Phase: stable, Step: StepAdd}},
		"one that has not":                          {vaultOf("a"), Request{Period: time.Hour + time.Second}, Sight{}, Plan{Phase: stable}},
		"nothing starts while suspended":            {vaultOf("a"), Request{Rotate: "r1", Period: time.Hour, Rest: true}, Sight{}, Plan{Phase: stable}},
		"there is nothing to drop":                  {vaultOf("a"), Request{Drop: "d1"}, Sight{}, Plan{Phase: stable, Step: StepAcknowledge}},
		"that there was not is remembered":          {vaultOf("a").changed(handled), Request{Drop: "d1"}, Sight{}, Plan{Phase: stable}},
		"a wish to drop counts for a new rotation":  {vaultOf("a"), Request{Rotate: "r1", Drop: "d1"}, Sight{}, Plan{Phase: stable, Step: StepAdd}},
		"and waits with it":                         {vaultOf("a"), Request{Rotate: "r1", Drop: "d1", Rest: true}, Sight{}, Plan{Phase: stable}},
		"a person's new token waits to be accepted": {vaultOf("b,a").changed(func(v *Vault) { v.Member, v.Viewer = "ingest-a", "viewer-a" }), Request{}, shows("a"), Plan{Phase: adding}},
		"and its old one is nobody's to drop":       {vaultOf("b,a").changed(func(v *Vault) { v.Member, v.Viewer = "ingest-b", "viewer-b" }), Request{Drop: ""}, shows("b,a"), Plan{Phase: stable}},
	} {
		t.Run(sentence, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.vault.Plan(tc.request, tc.sight, timing, noon)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPlanOfARotation(t *testing.T) {
	const adding, rolling, dropping = v1alpha1.PhaseAdding, v1alpha1.PhaseRolling, v1alpha1.PhaseDropping
	since := func(d time.Duration) func(*Vault) { return func(v *Vault) { v.Marks.Since = noon.Add(-d) } }
	added, rolled, dropped := rotating("b,a", "a", "a"), rotating("b,a", "b", "a"), rotating("b", "b", "a")
	early := since(90 * time.Second)
	for sentence, tc := range map[string]struct {
		vault   Vault
		request Request
		sight   Sight
		want    Plan
	}{
		"nothing is known of the control plane":   {added, Request{}, Sight{}, Plan{Phase: adding}},
		"it does not know the new token":          {added, Request{}, shows("a"), Plan{Phase: adding}},
		"it knows both":                           {added, Request{}, shows("b,a"), Plan{Phase: adding, Step: StepRoll}},
		"no drop before members have the new one": {added, Request{Drop: "d1"}, shows("a"), Plan{Phase: adding}},
		"no second rotation during the first":     {added, Request{Rotate: "r9", Period: time.Second}, shows("a"), Plan{Phase: adding}},
		"only members were handed the new one":    {added.changed(func(v *Vault) { v.Member = "ingest-b" }), Request{}, shows("b,a"), Plan{Phase: adding, Step: StepRoll}},
		"nobody uses the old one":                 {rolled, Request{}, shows("b,a", with("m", "b")), Plan{Phase: rolling, Step: StepDrop, Overdue: true}},
		"the control plane is silent":             {rolled, Request{}, Sight{}, Plan{Phase: rolling, Overdue: true}},
		"its word is old":                         {rolled, Request{}, Sight{At: noon.Add(-46 * time.Second), Tokens: shows("b,a").Tokens}, Plan{Phase: rolling, Overdue: true}},
		"a member keeps the old one":              {rolled.changed(early), Request{}, shows("b,a", with("n", "b"), with("m", "a")), Plan{Phase: rolling, Holders: []string{"m"}}},
		"for longer than the grace":               {rolled, Request{}, shows("b,a", with("z", "a"), with("m", "a")), Plan{Phase: rolling, Holders: []string{"m", "z"}, Overdue: true}},
		"a member that has not spoken may":        {rolled, Request{}, shows("b,a", with("m", "")), Plan{Phase: rolling, Holders: []string{"m"}, Overdue: true}},
		"one that is down does not count":         {rolled, Request{}, shows("b,a", down(with("m", "a"))), Plan{Phase: rolling, Step: StepDrop, Overdue: true}},
		"the old one was used within two TTLs":    {rolled, Request{}, shows("b:1s,a:89s", with("m", "b")), Plan{Phase: rolling, Overdue: true}},
		"the old one was used before":             {rolled, Request{}, shows("b:1s,a:91s", with("m", "b")), Plan{Phase: rolling, Step: StepDrop, Overdue: true}},
		"the new one was handed out just now":     {rolled.changed(since(90 * time.Second)), Request{}, shows("b,a"), Plan{Phase: rolling}},
		"two TTLs ago":                            {rolled.changed(since(91 * time.Second)), Request{}, shows("b,a"), Plan{Phase: rolling, Step: StepDrop}},
		"a person forces it":                      {rolled, Request{Drop: "d1"}, shows("b:1s,a:1s", with("m", "a")), Plan{Phase: rolling, Step: StepDrop, Forced: true, Holders: []string{"m"}, Overdue: true}},
		"the control plane still has the old one": {dropped, Request{}, shows("b,a"), Plan{Phase: dropping}},
		"it has forgotten it":                     {dropped, Request{}, shows("b"), Plan{Phase: dropping, Step: StepFinish}},
		"what it said before that does not count": {dropped.changed(since(0)), Request{}, shows("b"), Plan{Phase: dropping}},
		"a person took the new token back":        {rotating("a", "b", "a"), Request{}, shows("a"), Plan{Phase: dropping, Step: StepFinish}},
		"a person replaced everything":            {rotating("c", "b", "a"), Request{}, shows("b,a"), Plan{Phase: dropping}},
		"a person put a newer one in front":       {rotating("c,b,a", "b", "a"), Request{}, shows("b,a"), Plan{Phase: adding}},
		"a person turned the list around":         {rotating("a,b", "b", "a"), Request{}, shows("b,a", with("m", "b")), Plan{Phase: rolling, Step: StepDrop, Overdue: true}},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := tc.vault.Plan(tc.request, tc.sight, timing, noon)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Viewers cannot be named, so they are waited for only so long.
func TestViewersHoldARotationForTheGrace(t *testing.T) {
	sight := shows("b,a")
	age := 1.0
	sight.Tokens.Viewer[1].LastUsedAgeSeconds = &age
	for sentence, tc := range map[string]struct {
		rolled time.Duration
		want   Step
	}{
		"at first":         {2*timing.TTL + timing.Grace, StepNone},
		"but not for ever": {2*timing.TTL + timing.Grace + time.Second, StepDrop},
	} {
		t.Run(sentence, func(t *testing.T) {
			v := rotating("b,a", "b", "a").changed(func(v *Vault) { v.Marks.Since = noon.Add(-tc.rolled) })
			if got := v.Plan(Request{}, sight, timing, noon).Step; got != tc.want {
				t.Errorf("step %q, want %q", got, tc.want)
			}
		})
	}
}

func TestHandouts(t *testing.T) {
	for sentence, tc := range map[string]struct {
		vault Vault
		sight Sight
		want  string
	}{
		"the only token": {vaultOf("a"), Sight{}, "a"},
		"the old one until the new one is accepted":     {rotating("b,a", "a", "a"), shows("a"), "a"},
		"the new one then":                              {rotating("b,a", "a", "a"), shows("b,a"), "b"},
		"nothing is taken back when nothing is known":   {rotating("b,a", "b", "a"), Sight{}, "b"},
		"the oldest where nothing was handed out":       {rotating("b,a", "", "a"), Sight{}, "a"},
		"a replaced token is no longer handed out":      {rotating("c", "b", "a"), Sight{}, "c"},
		"a superseded one is not, although it is first": {rotating("a,b", "b", "a"), shows("a,b"), "b"},
		"unless there is no other":                      {rotating("a", "b", "a"), shows("a"), "a"},
	} {
		t.Run(sentence, func(t *testing.T) {
			member, viewer := tc.vault.Handouts(tc.sight)
			if diff := cmp.Diff([]string{"ingest-" + tc.want, "viewer-" + tc.want}, []string{member, viewer}); diff != "" {
				t.Errorf("member and viewer (-want +got)\n%s", diff)
			}
		})
	}
}

func TestMembersAndViewersChangeTogether(t *testing.T) {
	sight := shows("b,a")
	sight.Tokens.Viewer = sight.Tokens.Viewer[1:]
	member, viewer := rotating("b,a", "a", "a").Handouts(sight)
	if member != "ingest-a" || viewer != "viewer-a" {
		t.Errorf("handed out %s and %s while the control plane knows one of the new ones", member, viewer)
	}
}

func TestTake(t *testing.T) {
	marks := func(v Vault) Marks { return v.Marks }
	before := vaultOf("a,x").changed(func(v *Vault) { v.Marks.Drop = "d0" })
	request := Request{Rotate: "r1", Drop: "d1"}
	take := func(v Vault, plan Plan) Vault {
		t.Helper()
		after, err := v.Take(plan, request, noon, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return after
	}
	added := take(before, Plan{Step: StepAdd})
	for _, k := range kinds() {
		list := List(added.Server[k.key])
		if diff := cmp.Diff([]string{k.surface + "-a", k.surface + "-x"}, list[1:]); diff != "" || len(list[0]) != 43 {
			t.Errorf("%s: the old tokens behind a new one (-want +got)\n%s", k.key, diff)
		}
	}
	if string(added.Server[KeyPepper]) != pepper+"\n" || List(before.Server[KeyIngest])[0] != "ingest-a" {
		t.Error("the pepper or the vault before was changed")
	}
	want := rotating("b", "", "a", "x").Marks
	want.RotatedAt, want.Since, want.Rotate, want.Drop = noon, noon, "r1", "d0"
	sameSet := cmp.Transformer("set", func(list []string) map[string]bool {
		set := map[string]bool{}
		for _, name := range list {
			set[name] = true
		}
		return set
	})
	if diff := cmp.Diff(want, marks(added), sameSet); diff != "" {
		t.Errorf("marks after Add (-want +got)\n%s", diff)
	}
	for sentence, tc := range map[string]struct {
		vault Vault
		plan  Plan
		list  string
		want  func(*Marks)
	}{
		"Roll moves the clock":              {rotating("b,a", "a", "a"), Plan{Step: StepRoll}, "b,a", func(m *Marks) { m.Since = noon }},
		"Drop takes out what is superseded": {rotating("b,a,h", "b", "a"), Plan{Step: StepDrop}, "b,h", func(m *Marks) { m.Since = noon }},
		"a forced one remembers the wish":   {rotating("b,a", "b", "a"), Plan{Step: StepDrop, Forced: true}, "b", func(m *Marks) { m.Since, m.Drop = noon, "d1" }},
		"Drop never empties a list":         {rotating("a", "b", "a"), Plan{Step: StepDrop}, "a", func(m *Marks) { m.Since = noon }},
		"Finish closes the rotation":        {rotating("b", "b", "a"), Plan{Step: StepFinish}, "b", func(m *Marks) { m.Since, m.Superseded = time.Time{}, nil }},
		"Acknowledge remembers and no more": {vaultOf("a"), Plan{Step: StepAcknowledge}, "a", func(m *Marks) { m.Drop = "d1" }},
		"no step changes nothing":           {rotating("b,a", "b", "a"), Plan{}, "b,a", func(*Marks) {}},
	} {
		t.Run(sentence, func(t *testing.T) {
			want := tc.vault.Marks
			tc.want(&want)
			after := take(tc.vault, tc.plan)
			if diff := cmp.Diff(want, after.Marks); diff != "" {
				t.Errorf("marks (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(vaultOf(tc.list).Server, after.Server); diff != "" {
				t.Errorf("server Secret (-want +got)\n%s", diff)
			}
		})
	}
}

func TestMarksSurviveTheSecret(t *testing.T) {
	for sentence, marks := range map[string]Marks{
		"none": {},
		"all":  {RotatedAt: noon, Since: noon.Add(time.Hour), Superseded: []string{"0011", "2233"}, Rotate: "r1", Drop: "d1"},
		"some": {RotatedAt: noon, Rotate: "a value, with a comma"},
	} {
		t.Run(sentence, func(t *testing.T) {
			if diff := cmp.Diff(marks, ReadMarks(marks.Annotations())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	broken := map[string]string{AnnotationRotatedAt: "yesterday", AnnotationRotationSince: "12", AnnotationSuperseded: " , "}
	if diff := cmp.Diff(Marks{}, ReadMarks(broken)); diff != "" {
		t.Errorf("marks that a person has spoilt (-want +got)\n%s", diff)
	}
}

func TestSettled(t *testing.T) {
	for sentence, tc := range map[string]struct {
		vault Vault
		want  bool
	}{
		"one token each":                     {vaultOf("a"), true},
		"the first of several is handed out": {rotating("b,a", "b"), true},
		"another one is":                     {rotating("b,a", "a"), false},
		"a rotation is under way":            {rotating("b", "b", "a"), false},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := tc.vault.Settled(); got != tc.want {
				t.Errorf("settled %v, want %v", got, tc.want)
			}
		})
	}
}
