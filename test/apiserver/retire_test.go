//go:build apiserver

package apiserver

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// retiringPlane is a control plane that knows some identities and retires them.
type retiringPlane struct {
	mu      sync.Mutex
	known   []string
	retired []string
	refuse  bool
}

func (p *retiringPlane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.refuse || r.Header.Get("Authorization") == "":
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == fleetapi.PathStatus:
		status := fleetapi.Status{Version: "v1"}
		for _, identity := range p.known {
			if strings.HasPrefix(identity, r.URL.Query().Get("prefix")) {
				status.Clusters = append(status.Clusters, fleetapi.ClusterStatus{Identity: identity})
			}
		}
		_ = json.NewEncoder(w).Encode(status)
	case r.Method == http.MethodDelete && r.URL.Path == fleetapi.PathAdminCluster:
		p.retired = append(p.retired, r.URL.Query().Get("identity"))
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (p *retiringPlane) set(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

func (p *retiringPlane) gone() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(slices.Values(p.retired))
}

// retiringBot is a running bot whose fleet retires the clusters of deleted bots.
func retiringBot(w *world) (*v1alpha1.ArgusFleet, *v1alpha1.ArgusBot) {
	w.Helper()
	fleet, bot := runningBot(w)
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.OnDelete = ptr.To(v1alpha1.OnDeleteRetire) })
	w.waitFinalizer(bot, true)
	return fleet, bot
}

func (w *world) waitFinalizer(bot *v1alpha1.ArgusBot, want bool) {
	w.Helper()
	w.eventually(func() string {
		if slices.Contains(get(w, bot.Name, bot).Finalizers, v1alpha1.FinalizerRetire) != want {
			return "the finalizers are " + strings.Join(bot.Finalizers, ", ")
		}
		return ""
	})
}

func (w *world) waitGone(name string, object client.Object) {
	w.Helper()
	w.eventually(func() string {
		if w.exists(name, object) == "" {
			return name + " is still there"
		}
		return ""
	})
}

// event waits for an event about a bot with a reason and returns its note.
func (w *world) event(reason string) string {
	w.Helper()
	var note string
	w.eventually(func() string {
		var list eventsv1.EventList
		if err := admin.List(w.ctx, &list, client.InNamespace(w.namespace)); err != nil {
			return err.Error()
		}
		for _, event := range list.Items {
			if event.Reason == reason {
				note = event.Note
				return ""
			}
		}
		return "no event " + reason
	})
	return note
}

func TestADeletedBotsClustersAreRetired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, bot := retiringBot(w)
	plane := &retiringPlane{known: []string{"mybot-0", "mybot-1", "mybot-7", "mybot-two-0", "mybot-", "mybot-07", "other-0"}, refuse: true}
	planes.put(w, "main", plane)
	w.quietly()
	pod := podOf(w, "mybot-bot-0")
	w.create(pod)
	if err := admin.Delete(w.ctx, bot); err != nil {
		t.Fatal(err)
	}
	w.waitMessage(bot, v1alpha1.ConditionReady, "being deleted: waiting for the pods to stop")
	for _, name := range []string{"mybot-bot-0", "mybot-bot-1"} {
		w.waitGone(name, &appsv1.Deployment{})
	}
	if got := plane.gone(); len(got) > 0 {
		t.Fatalf("%v were retired while a pod could register them again", got)
	}
	if err := admin.Delete(w.ctx, pod, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	w.waitMessage(bot, v1alpha1.ConditionReady, "being deleted: waiting to retire the clusters: control plane answered 503 Service Unavailable")
	plane.set(false)
	w.waitGone("mybot", bot)
	if diff := cmp.Diff([]string{"mybot-0", "mybot-1", "mybot-7"}, plane.gone()); diff != "" {
		t.Errorf("retired (-want +got)\n%s", diff)
	}
	if note := w.event(v1alpha1.ReasonRetired); !strings.Contains(note, "3 clusters") {
		t.Errorf("the event says %q", note)
	}
}

// Nobody's deletion hangs on a control plane: after two minutes the clusters stay as they are.
func TestADeletionWaitsTwoMinutesForTheControlPlane(t *testing.T) {
	w := newWorld(t)
	_, bot := retiringBot(w)
	plane := &retiringPlane{known: []string{"mybot-0"}, refuse: true}
	planes.put(w, "main", plane)
	if err := admin.Delete(w.ctx, bot); err != nil {
		t.Fatal(err)
	}
	w.setClock(time.Minute)
	w.waitMessage(bot, v1alpha1.ConditionReady, "being deleted: waiting to retire the clusters: control plane answered 503 Service Unavailable")
	w.setClock(3 * time.Minute)
	w.waitGone("mybot", bot)
	want := "the clusters were not retired within 2m0s and stay in the control plane: waiting to retire the clusters: control plane answered 503 Service Unavailable"
	if note := w.event(v1alpha1.ReasonNotRetired); note != want {
		t.Errorf("the event says %q\n           want %q", note, want)
	}
	if got := plane.gone(); len(got) > 0 {
		t.Errorf("%v were retired by a control plane that refuses", got)
	}
}

// A fleet that goes away with its bots, or keeps their clusters, holds up no deletion.
func TestNothingHoldsUpADeletion(t *testing.T) {
	t.Parallel()
	for sentence, alter := range map[string]func(w *world, fleet *v1alpha1.ArgusFleet){
		"the fleet is deleted at the same time": func(w *world, fleet *v1alpha1.ArgusFleet) {
			if err := admin.Delete(w.ctx, fleet); err != nil {
				w.Fatal(err)
			}
		},
		"the fleet is being deleted, and something else keeps it": func(w *world, fleet *v1alpha1.ArgusFleet) {
			change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Finalizers = []string{"example.com/somebody"} })
			if err := admin.Delete(w.ctx, fleet); err != nil {
				w.Fatal(err)
			}
			w.Cleanup(func() {
				before := fleet.DeepCopy()
				fleet.Finalizers = nil
				_ = admin.Patch(w.ctx, fleet, client.MergeFrom(before))
			})
		},
		"the fleet keeps clusters now": func(w *world, fleet *v1alpha1.ArgusFleet) {
			change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.OnDelete = nil })
			w.waitFinalizer(&v1alpha1.ArgusBot{ObjectMeta: metav1.ObjectMeta{Name: "mybot"}}, false)
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			fleet, bot := retiringBot(w)
			alter(w, fleet)
			if err := admin.Delete(w.ctx, bot); err != nil {
				t.Fatal(err)
			}
			w.waitGone("mybot", bot)
		})
	}
}

// A control plane that never answers holds up a deletion for two minutes and no longer.
func TestARetirementHasAnEnd(t *testing.T) {
	w := newWorld(t)
	_, bot := retiringBot(w)
	planes.put(w, "main", &retiringPlane{refuse: true})
	if err := admin.Delete(w.ctx, bot); err != nil {
		t.Fatal(err)
	}
	const waits = "being deleted: waiting to retire the clusters: control plane answered 503 Service Unavailable"
	w.waitMessage(bot, v1alpha1.ConditionReady, waits)
	w.setClock(time.Minute)
	time.Sleep(3 * time.Second) // a try and a half
	w.waitMessage(bot, v1alpha1.ConditionReady, waits)

	w.setClock(2 * time.Minute)
	w.waitGone("mybot", bot)
	want := "the clusters were not retired within 2m0s and stay in the control plane: " +
		"waiting to retire the clusters: control plane answered 503 Service Unavailable"
	if note := w.event(v1alpha1.ReasonNotRetired); note != want {
		t.Errorf("the event says %q\n            want %q", note, want)
	}
}
