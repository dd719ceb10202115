package controllers

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

func fleetNamed(name string) *v1alpha1.ArgusFleet {
	return &v1alpha1.ArgusFleet{ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: name, UID: "a-uid"}}
}

func serverSecretOf(fleet *v1alpha1.ArgusFleet, list string) *corev1.Secret {
	return manifests.FleetServerSecret(fleet, map[string][]byte{
		tokens.KeyIngest: []byte(list), tokens.KeyViewer: []byte("v"), tokens.KeyAdmin: []byte("a"), tokens.KeyPepper: []byte("p"),
	})
}

// A person, or another operator, writes between our read and our write.
func TestARotationLosesNoTokenToAnotherWriter(t *testing.T) {
	fleet := fleetNamed("main")
	fleet.Annotations = map[string]string{v1alpha1.AnnotationRotateTokens: "monday"}
	meddled := false
	writer := interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
		if !meddled {
			meddled = true
			var live corev1.Secret
			if err := c.Get(ctx, client.ObjectKeyFromObject(object), &live); err != nil {
				return err
			}
			live.Data[tokens.KeyIngest] = []byte("i,a-person's")
			if err := c.Update(ctx, &live); err != nil {
				return err
			}
		}
		return c.Patch(ctx, object, patch, options...)
	}}
	c := fake.NewClientBuilder().WithObjects(serverSecretOf(fleet, "i")).WithInterceptorFuncs(writer).Build()
	r := &ArgusFleetReconciler{Random: rand.Reader, Base: Base{
		Client: c, Applier: apply.New(c, c, func(string, string) {}), Now: time.Now,
	}}
	try := func() error {
		var server corev1.Secret
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: "bots", Name: "main-fleet-server"}, &server); err != nil {
			return err
		}
		return r.rotate(t.Context(), &fleetScope{fleet: fleet, secrets: c}, &server)
	}
	if err := try(); !apierrors.IsConflict(err) {
		t.Fatalf("writing over another writer: %v, want a conflict", err)
	}
	if err := try(); err != nil {
		t.Fatal(err)
	}
	var server corev1.Secret
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "bots", Name: "main-fleet-server"}, &server); err != nil {
		t.Fatal(err)
	}
	if list := tokens.List(server.Data[tokens.KeyIngest]); len(list) != 3 || list[1] != "i" || list[2] != "a-person's" {
		t.Errorf("ingest tokens %v, want a new one before the two that were there", list)
	}
	if got := server.Annotations[v1alpha1.AnnotationRotateTokens]; got != "monday" {
		t.Errorf("the wish %q is remembered with the tokens, want monday", got)
	}
}

func TestWhatTokensRotatedSays(t *testing.T) {
	scope := func(plan *tokens.Plan) *fleetScope {
		fleet := fleetNamed("main")
		fleet.Spec.HeartbeatIntervalSeconds = ptr.To[int32](15)
		return &fleetScope{fleet: fleet, rotation: plan}
	}
	own := scope(&tokens.Plan{Phase: v1alpha1.PhaseStable})
	own.fleet.Spec.Tokens = &v1alpha1.FleetTokens{ExistingSecretRef: &v1alpha1.LocalRef{Name: "ours"}}
	rolling := tokens.Plan{Phase: v1alpha1.PhaseRolling, Holders: []string{"a", "b"}}
	overdue := tokens.Plan{Phase: v1alpha1.PhaseRolling, Overdue: true, Holders: []string{"a", "b", "c", "d", "e", "f", "g"}}
	strangers := tokens.Plan{Phase: v1alpha1.PhaseRolling, Overdue: true}
	for sentence, tc := range map[string]struct {
		scope *fleetScope
		want  string
	}{
		"nothing was read":            {scope(nil), "Unknown Progressing: the tokens have not been looked at"},
		"no rotation":                 {scope(&tokens.Plan{Phase: v1alpha1.PhaseStable}), "True Stable: the newest tokens are handed out, and no rotation is under way"},
		"one's own tokens":            {own, `True Stable: the first tokens of Secret "ours" are handed out`},
		"a token is being made known": {scope(&tokens.Plan{Phase: v1alpha1.PhaseAdding}), "False Adding: the control plane is to accept the new tokens beside the old ones before they are handed out"},
		"members follow":              {scope(&rolling), "False Rolling: the new tokens are handed out; the old ones go when nobody has used them for 90 s"},
		"members that do not are named": {scope(&overdue), "False OldTokenInUse: the old token is still used by a, b, c, d, e and 2 more: " +
			"restart them or hand them the new one, or set the annotation argus.dev/drop-old-token to a new value to drop it all the same"},
		"somebody without a name":  {scope(&strangers), "False Rolling: the new tokens are handed out; the old ones go when nobody has used them for 90 s"},
		"a token is being dropped": {scope(&tokens.Plan{Phase: v1alpha1.PhaseDropping}), "False Dropping: the control plane is to forget the old tokens"},
	} {
		t.Run(sentence, func(t *testing.T) {
			c := newConditions(nil, 3)
			setTokensRotated(c, tc.scope)
			got := meta.FindStatusCondition(c.list, v1alpha1.ConditionTokensRotated)
			text := strings.Join([]string{string(got.Status), got.Reason + ":", got.Message}, " ")
			if diff := cmp.Diff(tc.want, text); diff != "" || got.ObservedGeneration != 3 {
				t.Errorf("for generation %d (-want +got)\n%s", got.ObservedGeneration, diff)
			}
		})
	}
}

func TestTokensAreLookedAtSooner(t *testing.T) {
	for sentence, tc := range map[string]struct {
		interval int32
		existing bool
		vault    *tokens.Vault
		want     time.Duration
	}{
		"at the interval otherwise":     {300, false, &tokens.Vault{}, 5 * time.Minute},
		"while a rotation is under way": {300, false, &tokens.Vault{Marks: tokens.Marks{Superseded: []string{"0011"}}}, 15 * time.Second},
		"but not later than that":       {5, false, &tokens.Vault{Marks: tokens.Marks{Superseded: []string{"0011"}}}, 5 * time.Second},
		"one's own once a minute":       {300, true, nil, time.Minute},
	} {
		t.Run(sentence, func(t *testing.T) {
			fleet := fleetNamed("main")
			fleet.Spec.HeartbeatIntervalSeconds = &tc.interval
			if tc.existing {
				fleet.Spec.Tokens = &v1alpha1.FleetTokens{ExistingSecretRef: &v1alpha1.LocalRef{Name: "ours"}}
			}
			if tc.vault != nil && !tc.existing {
				tc.vault.Server = map[string][]byte{tokens.KeyIngest: []byte("i"), tokens.KeyViewer: []byte("v"), tokens.KeyAdmin: []byte("a")}
			}
			if got := tokensPoll(&fleetScope{fleet: fleet, vault: tc.vault}); got != tc.want {
				t.Errorf("after %s, want %s", got, tc.want)
			}
		})
	}
}
