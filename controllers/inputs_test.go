package controllers

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// What was found of one object says nothing of its next spec, nor of another object
// that comes under its name; and of one that is not ready it is looked at again soon.
func TestWhatWasVerified(t *testing.T) {
	found := time.Now()
	fleet := fleetNamed("main")
	fleet.Generation = 3
	for sentence, tc := range map[string]struct {
		alter func(*v1alpha1.ArgusFleet)
		ready bool
		after time.Duration
		want  bool
	}{
		"a moment ago":                       {nil, false, time.Second, true},
		"some time ago, not ready":           {nil, false, foundLately, false},
		"long ago, ready since":              {nil, true, time.Hour, true},
		"an edited spec":                     {func(f *v1alpha1.ArgusFleet) { f.Generation = 4 }, true, time.Second, false},
		"another object under the same name": {func(f *v1alpha1.ArgusFleet) { f.UID = "another-uid" }, true, time.Second, false},
		"another object":                     {func(f *v1alpha1.ArgusFleet) { f.Name = "other" }, true, time.Second, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			var v verified
			if v.has(fleet, true, found) {
				t.Error("nothing was verified yet")
			}
			v.note(fleet, found)
			object := fleet.DeepCopy()
			if tc.alter != nil {
				tc.alter(object)
			}
			if got := v.has(object, tc.ready, found.Add(tc.after)); got != tc.want {
				t.Errorf("verified %v, want %v", got, tc.want)
			}
			v.forget(nameOf(fleet))
			left := 0
			v.specs.Range(func(any, any) bool { left++; return true })
			if v.has(fleet, true, found) || left > 0 {
				t.Errorf("an object that is gone is remembered: %d", left)
			}
		})
	}
}

// Each Secret costs one request, one that is not there or cannot be read too, and
// nobody sees what another has done to its copy.
func TestEachSecretIsReadOnce(t *testing.T) {
	reads := map[string]int{}
	c := interceptor.NewClient(
		fake.NewClientBuilder().WithObjects(&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "there"}, Data: map[string][]byte{"k": []byte("v")},
		}).Build(),
		interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			reads[key.Name]++
			if key.Name == "broken" {
				return errors.New("refused")
			}
			return c.Get(ctx, key, object, options...)
		}},
	)
	once := newSecretsOnce(c)
	for range 3 {
		var there, missing, broken corev1.Secret
		if err := once.Get(t.Context(), client.ObjectKey{Namespace: "bots", Name: "there"}, &there); err != nil || string(there.Data["k"]) != "v" {
			t.Errorf("read %q, %v", there.Data["k"], err)
		}
		there.Data["k"] = []byte("changed")
		if err := once.Get(t.Context(), client.ObjectKey{Namespace: "bots", Name: "missing"}, &missing); !apierrors.IsNotFound(err) {
			t.Errorf("a missing one: %v", err)
		}
		if err := once.Get(t.Context(), client.ObjectKey{Namespace: "bots", Name: "broken"}, &broken); err == nil {
			t.Error("one that cannot be read is taken for read")
		}
	}
	for name, count := range reads {
		if count != 1 {
			t.Errorf("%s was read %d times", name, count)
		}
	}
	if len(reads) != 3 {
		t.Errorf("%d Secrets were read, want 3", len(reads))
	}
}

// inputsOfBots looks for what bots of one ArgusFleet need, and counts the reads.
type inputsOfBots struct {
	*testing.T
	r     *ArgusBotReconciler
	fleet *v1alpha1.ArgusFleet
	now   time.Time
	reads map[string]int
}

const discordSecret, memberSecret = "discord", "main-fleet-member"

func tokenSecretNamed(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: name}, Data: map[string][]byte{"token": []byte("x")}}
}

func newInputsOfBots(t *testing.T) *inputsOfBots {
	t.Helper()
	w := &inputsOfBots{T: t, fleet: fleetNamed("main"), now: time.Now(), reads: map[string]int{}}
	server := interceptor.NewClient(fake.NewClientBuilder().WithObjects(tokenSecretNamed(discordSecret)).Build(), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			w.reads[key.Name]++
			return c.Get(ctx, key, object, options...)
		},
	})
	w.r = &ArgusBotReconciler{Base: Base{Client: server, Now: func() time.Time { return w.now }}}
	return w
}

// look returns for what a bot is held, with what runs of it.
func (w *inputsOfBots) look(name string, running ...v1alpha1.BotClusterStatus) *hold {
	w.Helper()
	s := scopeOf(v1alpha1.ArgusBotSpec{
		Discord: v1alpha1.Discord{TokenSecretRef: v1alpha1.SecretKeyRef{Name: discordSecret, Key: "token"}},
		Fleet:   &v1alpha1.BotFleet{Ref: &v1alpha1.LocalRef{Name: w.fleet.Name}},
	})
	s.bot.Namespace, s.bot.Name, s.fleet, s.target = "bots", name, w.fleet, manifests.TargetOf(w.fleet)
	s.bot.Status.ClusterStatuses = running
	if err := w.r.checkInputs(w.Context(), s); err != nil {
		w.Fatal(err)
	}
	return s.missing
}

// finds everything, and has read the member token so often by now.
func (w *inputsOfBots) finds(name string, reads int, running ...v1alpha1.BotClusterStatus) {
	w.Helper()
	if missing := w.look(name, running...); missing != nil || w.reads[memberSecret] != reads {
		w.Errorf("bot %s is held for %+v; reads %v, want %d of the member token", name, missing, w.reads, reads)
	}
}

// The member token of an ArgusFleet is read for one of its new bots, and not for each of them;
// one that is not there is looked for by all, and one that runs does not rely on others.
func TestTheTokenOfAFleetIsReadOnceForItsBots(t *testing.T) {
	w := newInputsOfBots(t)
	for _, bot := range []string{"a", "b"} {
		if missing := w.look(bot); missing == nil || missing.reason != v1alpha1.ReasonFleetNotReady {
			t.Errorf("without the token, bot %s is held for %+v", bot, missing)
		}
	}
	if err := w.r.Client.Create(t.Context(), tokenSecretNamed(memberSecret)); err != nil {
		t.Fatal(err)
	}
	clear(w.reads)
	for _, bot := range []string{"a", "b", "c"} {
		w.finds(bot, 1)
	}
	if w.reads[discordSecret] != 3 {
		t.Errorf("reads %v, want each bot's own", w.reads)
	}
	w.finds("running", 2, v1alpha1.BotClusterStatus{ID: "running-0"})
	w.now = w.now.Add(foundLately)
	w.finds("d", 3)
}
