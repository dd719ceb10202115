//go:build apiserver

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// rotationGrace is short, so that a test sees who is late.
const rotationGrace = 2 * time.Second

// beater is a member that beats several times a second with what its Secret held when
// the kubelet last brought it.
type beater struct {
	identity string
	plane    *realPlane
	client   *fleetapi.Client

	mu      sync.Mutex
	token   string
	stuck   bool
	beats   int
	refused []error
}

func (p *realPlane) member(identity string) *beater {
	p.Helper()
	b := &beater{identity: identity, plane: p, token: p.memberToken()}
	var err error
	b.client, err = fleetapi.NewClient(p.url, fleetapi.ClientOptions{Token: func() (string, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.token, nil
	}})
	if err != nil {
		p.Fatal(err)
	}
	if _, err := b.client.Register(p.ctx, fleetapi.RegisterRequest{Identity: identity}); err != nil {
		p.Fatal(err)
	}
	p.background(b.run)
	return b
}

func (p *realPlane) memberToken() string {
	return string(get(p.world, "main-fleet-member", &corev1.Secret{}).Data[tokens.KeyToken])
}

func (b *beater) run(ctx context.Context) error {
	defer b.client.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2 * tick):
		}
		err := b.client.Heartbeat(ctx, fleetapi.HeartbeatRequest{Identity: b.identity})
		b.mu.Lock()
		if b.beats++; err != nil && ctx.Err() == nil {
			b.refused = append(b.refused, err)
		}
		b.mu.Unlock()
		b.follow(ctx)
	}
}

// follow is the kubelet bringing the member Secret, after the beat.
func (b *beater) follow(ctx context.Context) {
	var secret corev1.Secret
	if err := admin.Get(ctx, client.ObjectKey{Namespace: b.plane.namespace, Name: "main-fleet-member"}, &secret); err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stuck {
		b.token = string(secret.Data[tokens.KeyToken])
	}
}

// stick keeps what the member has in hand, or no longer.
func (b *beater) stick(stuck bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stuck = stuck
}

// unbroken fails the test if any of its heartbeats was refused.
func (b *beater) unbroken() {
	b.plane.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.refused) > 0 || b.beats == 0 {
		b.plane.Errorf("%s: %d of %d heartbeats failed, the first with %v", b.identity, len(b.refused), b.beats, errors.Join(b.refused...))
	}
}

// cut tells whether the member has met a 401.
func (b *beater) cut() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, err := range b.refused {
		if refused, ok := errors.AsType[*fleetapi.StatusError](err); ok && refused.Code == http.StatusUnauthorized {
			return true
		}
	}
	return false
}

// rotationTTL is how many seconds the members of such a fleet may be silent: short, but
// not so short that those of a busy machine are taken for dead.
const rotationTTL = 3

// rotationFleet is a fleet whose TTL is rotationTTL, Ready on a real control plane.
func rotationFleet(w *world, change func(*v1alpha1.ArgusFleet)) (*v1alpha1.ArgusFleet, *realPlane) {
	w.Helper()
	fleet := newFleet("main")
	fleet.Spec.TTLFactor = ptr.To[int32](rotationTTL)
	if change != nil {
		change(fleet)
	}
	w.create(fleet)
	secret := "main-fleet-server"
	if fleet.Spec.Tokens != nil && fleet.Spec.Tokens.ExistingSecretRef != nil {
		secret = fleet.Spec.Tokens.ExistingSecretRef.Name
	}
	plane := newRealPlane(w, secret)
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReachable, metav1.ConditionTrue, v1alpha1.ReasonShortTTL)
	w.waitCondition(fleet, v1alpha1.ConditionTokensRotated, metav1.ConditionTrue, v1alpha1.ReasonStable)
	return fleet, plane
}

func annotate(w *world, name, value string) {
	w.Helper()
	change(w, "main", &v1alpha1.ArgusFleet{}, func(f *v1alpha1.ArgusFleet) { metav1.SetMetaDataAnnotation(&f.ObjectMeta, name, value) })
}

// phase waits for a reason of TokensRotated, and for the phase of that name.
func (p *realPlane) phase(reason string) metav1.Condition {
	p.Helper()
	fleet := newFleet("main")
	fleet.Namespace = p.namespace
	status := metav1.ConditionFalse
	if reason == v1alpha1.ReasonStable {
		status = metav1.ConditionTrue
	}
	condition := p.waitCondition(fleet, v1alpha1.ConditionTokensRotated, status, reason)
	want := v1alpha1.RotationPhase(reason)
	if reason == v1alpha1.ReasonOldTokenInUse {
		want = v1alpha1.PhaseRolling
	}
	if fleet.Status.Tokens.Phase != want {
		p.Errorf("phase %s with reason %s", fleet.Status.Tokens.Phase, reason)
	}
	return condition
}

// killed has the operator stop and another one take over, which must come to the same
// phase by itself.
func killed(w *world) {
	w.Helper()
	var err error
	if operator, err = operator.restart(); err != nil {
		w.Fatal(err)
	}
}

// answers is what the control plane says to a token on a surface.
func (p *realPlane) answers(method, path, token string) int {
	p.Helper()
	request, err := http.NewRequestWithContext(p.ctx, method, p.url+path, strings.NewReader(`{"identity": "m-0"}`))
	if err != nil {
		p.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// surfaces is what the control plane says to the first token of each key.
func (p *realPlane) surfaces(server map[string][]byte) map[string]int {
	p.Helper()
	return map[string]int{
		tokens.KeyIngest: p.answers(http.MethodPost, fleetapi.PathHeartbeat, tokens.First(server[tokens.KeyIngest])),
		tokens.KeyViewer: p.answers(http.MethodGet, fleetapi.PathConfig, tokens.First(server[tokens.KeyViewer])),
		tokens.KeyAdmin:  p.answers(http.MethodGet, fleetapi.PathAdminExport+"?format=v1", tokens.First(server[tokens.KeyAdmin])),
	}
}

// TestARotationThroughAllItsPhases has the operator killed in each of them.
func TestARotationThroughAllItsPhases(t *testing.T) {
	w := newWorld(t)
	fleet, plane := rotationFleet(w, nil)
	members := []*beater{plane.member("m-0"), plane.member("m-1"), plane.member("m-2")}
	before := get(w, "main-fleet-server", &corev1.Secret{}).Data

	plane.freeze(true)
	annotate(w, v1alpha1.AnnotationRotateTokens, "monday")
	plane.phase(v1alpha1.ReasonAdding)
	killed(w)
	w.settle()
	plane.phase(v1alpha1.ReasonAdding)
	if got := plane.memberToken(); got != string(before[tokens.KeyIngest]) {
		t.Error("members were handed a token that the control plane does not accept yet")
	}

	members[1].stick(true)
	plane.freeze(false)
	plane.phase(v1alpha1.ReasonRolling)
	killed(w)
	w.eventually(func() string { // a busy machine has others follow late, too
		condition := plane.phase(v1alpha1.ReasonOldTokenInUse)
		if !strings.Contains(condition.Message, "used by m-1:") {
			return fmt.Sprintf("message %q does not name m-1 alone", condition.Message)
		}
		return ""
	})
	killed(w)
	plane.phase(v1alpha1.ReasonOldTokenInUse)

	plane.freeze(true)
	members[1].stick(false)
	plane.phase(v1alpha1.ReasonDropping)
	killed(w)
	plane.phase(v1alpha1.ReasonDropping)
	plane.freeze(false)
	plane.phase(v1alpha1.ReasonStable)
	w.settle()
	killed(w)
	w.settle()

	for _, member := range members {
		member.unbroken()
	}
	checkRotated(plane, before, "monday")
	after := get(w, "main-fleet-server", &corev1.Secret{})
	for _, mark := range []string{tokens.AnnotationSuperseded, tokens.AnnotationRotationSince} {
		if value, there := after.Annotations[mark]; there {
			t.Errorf("the mark %s=%q is left", mark, value)
		}
	}
	get(w, "main", fleet)
	want := fleetapi.Fingerprint(string(before[tokens.KeyPepper]), fleetapi.SurfaceIngest, plane.memberToken())
	if got := fleet.Status.Tokens.MemberFingerprint; got != want {
		t.Errorf("status.tokens.memberFingerprint is %q, want %q", got, want)
	}
}

// checkRotated compares with what was before: new tokens that work, old ones that do
// not, the same pepper, and that it happened once.
func checkRotated(p *realPlane, before map[string][]byte, wish string) {
	p.Helper()
	after := get(p.world, "main-fleet-server", &corev1.Secret{})
	for _, key := range tokens.ServerKeys() {
		if same := string(before[key]) == string(after.Data[key]); same != (key == tokens.KeyPepper) {
			p.Errorf("%s is the same as before: %v", key, same)
		}
		if strings.Contains(string(after.Data[key]), ",") {
			p.Errorf("%s still holds several tokens", key)
		}
	}
	if diff := cmp.Diff(map[string]int{tokens.KeyIngest: 401, tokens.KeyViewer: 401, tokens.KeyAdmin: 401}, p.surfaces(before)); diff != "" {
		p.Errorf("the old tokens (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{tokens.KeyIngest: 204, tokens.KeyViewer: 200, tokens.KeyAdmin: 200}, p.surfaces(after.Data)); diff != "" {
		p.Errorf("the new tokens (-want +got)\n%s", diff)
	}
	for name, key := range map[string]string{"main-fleet-member": tokens.KeyIngest, "main-fleet-viewer": tokens.KeyViewer} {
		if got := get(p.world, name, &corev1.Secret{}).Data[tokens.KeyToken]; string(got) != string(after.Data[key]) {
			p.Errorf("Secret %s does not hold the new token", name)
		}
	}
	fleet := get(p.world, "main", &v1alpha1.ArgusFleet{})
	if handled := fleet.Status.LastHandled; handled == nil || handled.RotateTokens != wish || after.Annotations[v1alpha1.AnnotationRotateTokens] != wish {
		p.Errorf("handled %+v and on the Secret %q, want %q", handled, after.Annotations[v1alpha1.AnnotationRotateTokens], wish)
	}
}

// TestTheOldTokenIsDroppedByForce although a member keeps it.
func TestTheOldTokenIsDroppedByForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, plane := rotationFleet(w, nil)
	follower, keeper := plane.member("m-0"), plane.member("m-1")
	before := get(w, "main-fleet-server", &corev1.Secret{}).Data
	keeper.stick(true)
	annotate(w, v1alpha1.AnnotationRotateTokens, "monday")
	plane.phase(v1alpha1.ReasonOldTokenInUse)
	keeper.unbroken()
	annotate(w, v1alpha1.AnnotationDropOldToken, "now")
	plane.phase(v1alpha1.ReasonStable)
	w.eventually(func() string {
		if !keeper.cut() {
			return "the member with the old token still beats"
		}
		return ""
	})
	follower.unbroken()
	checkRotated(plane, before, "monday")
	w.settle()
	if handled := get(w, "main", &v1alpha1.ArgusFleet{}).Status.LastHandled; handled.DropOldToken != "now" {
		t.Errorf("handled %+v, want the drop among it", handled)
	}
}

// TestTokensRotateByThemselves when their time has come, and not again at once.
func TestTokensRotateByThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, plane := rotationFleet(w, func(f *v1alpha1.ArgusFleet) {
		f.Spec.Tokens = &v1alpha1.FleetTokens{RotationPeriodHours: ptr.To[int32](24)}
	})
	member := plane.member("m-0")
	before, began := get(w, "main-fleet-server", &corev1.Secret{}).Data, time.Now().Truncate(time.Second)
	change(w, "main-fleet-server", &corev1.Secret{}, func(s *corev1.Secret) {
		metav1.SetMetaDataAnnotation(&s.ObjectMeta, tokens.AnnotationRotatedAt, time.Now().Add(-24*time.Hour).Format(time.RFC3339))
	})
	plane.phase(v1alpha1.ReasonRolling)
	plane.phase(v1alpha1.ReasonStable)
	w.settle()
	member.unbroken()
	after := get(w, "main-fleet-server", &corev1.Secret{})
	if string(after.Data[tokens.KeyIngest]) == string(before[tokens.KeyIngest]) {
		t.Error("the ingest token is as it was")
	}
	at, err := time.Parse(time.RFC3339, after.Annotations[tokens.AnnotationRotatedAt])
	if err != nil || at.Before(began) || at.After(time.Now()) {
		t.Errorf("rotated at %v (%v), want it since %v", at, err, began)
	}
}

// TestARotationGivesWayToAPerson who changes the server Secret in the midst of it:
// what that person has added is neither lost nor dropped.
func TestARotationGivesWayToAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, plane := rotationFleet(w, nil)
	member := plane.member("m-0")
	member.stick(true)
	annotate(w, v1alpha1.AnnotationRotateTokens, "monday")
	plane.phase(v1alpha1.ReasonRolling)
	change(w, "main-fleet-server", &corev1.Secret{}, func(s *corev1.Secret) {
		s.Data[tokens.KeyIngest] = append(s.Data[tokens.KeyIngest], ",a-person's"...)
	})
	member.stick(false)
	plane.phase(v1alpha1.ReasonStable)
	list := tokens.List(get(w, "main-fleet-server", &corev1.Secret{}).Data[tokens.KeyIngest])
	if len(list) != 2 || list[0] != plane.memberToken() || list[1] != "a-person's" {
		t.Errorf("%d ingest tokens are left, want the new one and the person's", len(list))
	}
	w.eventually(func() string {
		if code := plane.answers(http.MethodPost, fleetapi.PathHeartbeat, "a-person's"); code != http.StatusNoContent {
			return fmt.Sprintf("the person's token gets %d", code)
		}
		return ""
	})
	member.unbroken()
}

// TestTokensOfOnesOwn are handed out from the front of their lists, once the control
// plane accepts them, and rotate when their owner writes new ones.
func TestTokensOfOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "our-tokens"}, StringData: map[string]string{
		tokens.KeyIngest: "i-1\n", tokens.KeyViewer: "v-1", tokens.KeyAdmin: "a-1",
	}}
	useOwn := func(f *v1alpha1.ArgusFleet) {
		f.Spec.Tokens = &v1alpha1.FleetTokens{ExistingSecretRef: &v1alpha1.LocalRef{Name: own.Name}}
	}
	fleet := newFleet("early")
	useOwn(fleet)
	w.create(fleet)
	stalled := func(want string) {
		t.Helper()
		w.eventually(func() string {
			condition := w.waitCondition(fleet, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonSecretMissing)
			if condition.Message != "spec.tokens.existingSecretRef: "+want {
				return fmt.Sprintf("message %q, want %q", condition.Message, want)
			}
			return ""
		})
	}
	stalled(`Secret "our-tokens" does not exist: create it with the keys ingest-token, viewer-token, admin-token, secret-pepper`)
	w.create(own)
	change(w, "early", fleet, func(f *v1alpha1.ArgusFleet) { f.Annotations = map[string]string{"look": "now"} })
	stalled(`Secret "our-tokens" has no secret-pepper, or it is empty: add it`)
	change(w, own.Name, own, func(s *corev1.Secret) { s.Data[tokens.KeyPepper] = []byte("a-pepper") })

	_, plane := rotationFleet(w, useOwn)
	member := plane.member("m-0")
	if got := plane.memberToken(); got != "i-1" {
		t.Errorf("members are handed %q, want the first ingest token", got)
	}
	if w.exists("main-fleet-server", &corev1.Secret{}) == "" {
		t.Error("a server Secret was generated beside the user's own")
	}
	plane.freeze(true)
	change(w, own.Name, own, func(s *corev1.Secret) {
		s.Data[tokens.KeyIngest], s.Data[tokens.KeyViewer] = []byte("i-2,i-1"), []byte("v-2, v-1")
	})
	plane.phase(v1alpha1.ReasonAdding)
	if got := plane.memberToken(); got != "i-1" {
		t.Errorf("members were handed %q before the control plane accepts it", got)
	}
	annotate(w, v1alpha1.AnnotationRotateTokens, "monday") // is for generated ones
	plane.freeze(false)
	plane.phase(v1alpha1.ReasonStable)
	if got := plane.memberToken(); got != "i-2" {
		t.Errorf("members are handed %q, want the new token", got)
	}
	w.settle()
	member.unbroken()
	if got := string(get(w, own.Name, own).Data[tokens.KeyIngest]); got != "i-2,i-1" {
		t.Errorf("the user's own Secret was changed: %q", got)
	}
	if handled := get(w, "main", &v1alpha1.ArgusFleet{}).Status.LastHandled; handled != nil {
		t.Errorf("handled %+v of what is for generated tokens", handled)
	}
}

// TestAFreshFleetDoesNotRotate because of annotations that were there before it.
func TestAFreshFleetDoesNotRotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, plane := rotationFleet(w, func(f *v1alpha1.ArgusFleet) {
		f.Annotations = map[string]string{v1alpha1.AnnotationRotateTokens: "monday", v1alpha1.AnnotationDropOldToken: "tuesday"}
	})
	w.settle()
	server := get(w, "main-fleet-server", &corev1.Secret{})
	if strings.Contains(string(server.Data[tokens.KeyIngest]), ",") || server.Annotations[tokens.AnnotationRotatedAt] != "" {
		t.Error("tokens that were just made were rotated")
	}
	plane.phase(v1alpha1.ReasonStable)
}
