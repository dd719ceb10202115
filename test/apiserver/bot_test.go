//go:build apiserver

package apiserver

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

func TestStatusTellsWhatTheControlPlaneSees(t *testing.T) {
	w := newWorld(t)
	fleet, bot := runningBot(w)
	if got := get(w, "main", fleet).Status; got.Display.Clusters != "2/2" || got.Version != "v1" {
		t.Errorf("fleet shows clusters %q and version %q, want 2/2 and v1", got.Display.Clusters, got.Version)
	}
	status := get(w, "mybot", bot).Status
	if status.Display.Clusters != "2/2" || status.Display.Shards != "4/4" || *status.Guilds != 120 {
		t.Errorf("bot shows %+v and %d guilds, want 2/2, 4/4 and 120", *status.Display, *status.Guilds)
	}
	want := v1alpha1.BotClusterStatus{Index: 1, ID: "mybot-1", Number: 2, Shards: "2-3", Ready: true, Up: ptr.To(true)}
	want.Revision = get(w, "mybot-bot-1", &appsv1.Deployment{}).Annotations["argus.dev/revision"]
	if diff := cmp.Diff(want, status.ClusterStatuses[1]); diff != "" || want.Revision == "" {
		t.Errorf("cluster 1: -want +got\n%s", diff)
	}
}

func TestASilentClusterIsNamedAndDoesNotLowerReady(t *testing.T) {
	w := newWorld(t)
	_, bot := runningBot(w)
	operator.fleets.set(w.namespace, upCluster("mybot-0", 1, 2, 60))
	waiting := w.waitCondition(bot, v1alpha1.ConditionFleetJoined, metav1.ConditionFalse, v1alpha1.ReasonWaiting)
	if !strings.Contains(waiting.Message, "mybot-1") || strings.Contains(waiting.Message, "mybot-0") {
		t.Errorf("message %q should name mybot-1 and nobody else", waiting.Message)
	}
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
}

func TestWhatCannotBeReadIsUnknown(t *testing.T) {
	w := newWorld(t)
	fleet, bot := runningBot(w)
	operator.fleets.fail(w.namespace, errors.New("no usable answer"))
	w.waitCondition(bot, v1alpha1.ConditionFleetJoined, metav1.ConditionUnknown, v1alpha1.ReasonUnreachable)
	w.waitCondition(fleet, v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonUnreachable)
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	status := get(w, "mybot", bot).Status
	if status.Guilds != nil || status.ClusterStatuses[1].Up != nil {
		t.Errorf("guilds %v and up %v are guesses", status.Guilds, status.ClusterStatuses[1].Up)
	}
	if number := status.ClusterStatuses[1].Number; number != 2 {
		t.Errorf("the number, which never changes, is shown as %d, want 2", number)
	}
}

// What cannot be brought about does not hide how the control plane does that runs.
func TestASilentControlPlaneIsNamedWhileAnObjectIsInTheWay(t *testing.T) {
	w := newWorld(t)
	fleet, _ := runningBot(w)
	w.waitCondition(fleet, v1alpha1.ConditionReachable, metav1.ConditionTrue, v1alpha1.ReasonShortTTL)
	w.create(foreignIngress())
	change(w, fleet.Name, fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Ingress = exposedFleet().Spec.Ingress })
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNameConflict)
	operator.fleets.fail(w.namespace, errors.New("no usable answer"))
	change(w, fleet.Name, fleet, func(f *v1alpha1.ArgusFleet) { // the next look is half a minute away
		metav1.SetMetaDataAnnotation(&f.ObjectMeta, "example.com/look", "now")
	})
	w.waitCondition(fleet, v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonUnreachable)
	w.settle()
}

func TestAWobblingGuildCountDoesNotMoveTheObject(t *testing.T) {
	w := newWorld(t)
	_, bot := runningBot(w)
	before := get(w, "mybot", bot).ResourceVersion
	operator.fleets.set(w.namespace, upCluster("mybot-0", 1, 2, 61), upCluster("mybot-1", 2, 2, 60))
	w.quietly()
	if now := get(w, "mybot", bot).ResourceVersion; now != before {
		t.Errorf("one guild more moved the object from %s to %s", before, now)
	}
	operator.fleets.set(w.namespace, upCluster("mybot-0", 1, 1, 61), upCluster("mybot-1", 2, 2, 60))
	w.eventually(func() string {
		status := get(w, "mybot", bot).Status
		if status.Display.Shards != "3/4" || *status.Guilds != 121 {
			return "a shard went down, and the guilds were to be written with it"
		}
		return ""
	})
}

func TestAChangeGoesThroughOneClusterAtATime(t *testing.T) {
	w := newWorld(t)
	operator.fleets.set(w.namespace)
	bot := newBot("mybot", "", 3, 3)
	bot.Spec.Fleet = nil
	w.create(discordSecret(), bot)
	names := []string{"mybot-bot-0", "mybot-bot-1", "mybot-bot-2"}
	for _, name := range names {
		w.playKubelet(name, true)
	}
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)

	const newImage = "example.com/bot:v2"
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Image = newImage })
	for i, name := range names {
		w.eventually(func() string {
			if got := imageOf(w, name); got != newImage {
				return name + " still has " + got
			}
			return ""
		})
		w.waitCondition(bot, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonProgressing)
		for _, later := range names[i+1:] {
			if imageOf(w, later) == newImage {
				t.Fatalf("%s was changed before %s was available", later, name)
			}
		}
		w.playKubelet(name, true)
	}
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	if updated := get(w, "mybot", bot).Status.Clusters.Updated; updated != 3 {
		t.Errorf("%d clusters updated, want 3", updated)
	}
}

func imageOf(w *world, name string) string {
	return get(w, name, &appsv1.Deployment{}).Spec.Template.Spec.Containers[0].Image
}

func TestSurplusObjectsArePruned(t *testing.T) {
	w := newWorld(t)
	_, bot := runningBot(w)
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) {
		b.Spec.Sharding = v1alpha1.Sharding{Total: 4, Clusters: ptr.To[int32](1)}
		b.Spec.NetworkPolicy = &v1alpha1.BotNetworkPolicy{NetworkPolicy: v1alpha1.NetworkPolicy{State: ptr.To(v1alpha1.Disabled)}}
	})
	gone := func(name string, object client.Object) {
		w.eventually(func() string {
			if w.exists(name, object) == "" && object.GetDeletionTimestamp().IsZero() {
				return name + " is still there"
			}
			return ""
		})
	}
	gone("mybot-bot-1", &appsv1.Deployment{})
	gone("mybot-bot", &networkingv1.NetworkPolicy{})
	w.eventually(func() string { return w.exists("mybot-bot-0", &appsv1.Deployment{}) })
	get(w, "main-fleet", &networkingv1.NetworkPolicy{})
}

func TestMissingPrerequisitesAreNamed(t *testing.T) {
	for sentence, tc := range map[string]struct {
		prepare func(*world)
		alter   func(*v1alpha1.ArgusBot)
		reason  string
		stalled bool
		words   []string
	}{
		"the Secret does not exist": {
			alter:  func(b *v1alpha1.ArgusBot) { b.Spec.Fleet = nil },
			reason: v1alpha1.ReasonSecretMissing, stalled: true,
			words: []string{"spec.discord.tokenSecretRef", "discord-bot", "token"},
		},
		"the Secret lacks the key": {
			prepare: func(w *world) { w.create(discordSecret()) },
			alter: func(b *v1alpha1.ArgusBot) {
				b.Spec.Fleet = nil
				b.Spec.Discord.TokenSecretRef.Key = "other"
			},
			reason: v1alpha1.ReasonSecretMissing, stalled: true, words: []string{"discord-bot", `"other"`},
		},
		"the ArgusFleet does not exist": {
			prepare: func(w *world) { w.create(discordSecret()) },
			reason:  v1alpha1.ReasonFleetNotFound, words: []string{"spec.fleet.ref", "main"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			w := newWorld(t)
			if tc.prepare != nil {
				tc.prepare(w)
			}
			bot := newBot("mybot", "main", 1, 1)
			if tc.alter != nil {
				tc.alter(bot)
			}
			w.create(bot)
			ready := w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, tc.reason)
			for _, word := range tc.words {
				if !strings.Contains(ready.Message, word) {
					t.Errorf("message %q does not name %s", ready.Message, word)
				}
			}
			present := slices.ContainsFunc(conditionsOf(bot), func(c metav1.Condition) bool { return c.Type == v1alpha1.ConditionStalled })
			if present != tc.stalled {
				t.Errorf("Stalled present: %v, want %v", present, tc.stalled)
			}
			if w.exists("mybot-bot-0", &appsv1.Deployment{}) == "" {
				t.Error("a pod that cannot start was started")
			}
		})
	}
}

func TestAnUnreadableExternalFleetIsSaid(t *testing.T) {
	for sentence, tc := range map[string]struct {
		viewer *v1alpha1.SecretKeyRef
		reason string
	}{
		"no viewer token":              {nil, v1alpha1.ReasonNoViewerToken},
		"the operator may not read it": {&v1alpha1.SecretKeyRef{Name: "discord-bot", Key: "token"}, v1alpha1.ReasonExternalReadsOff},
	} {
		t.Run(sentence, func(t *testing.T) {
			w := newWorld(t)
			bot := newBot("mybot", "", 1, 1)
			bot.Spec.Fleet = &v1alpha1.BotFleet{External: &v1alpha1.ExternalFleet{
				URL: "https://fleet.example.com", TokenSecretRef: v1alpha1.SecretKeyRef{Name: "discord-bot", Key: "token"},
				ViewerTokenSecretRef: tc.viewer,
			}}
			w.create(discordSecret(), bot)
			w.playKubelet("mybot-bot-0", true)
			w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
			w.waitCondition(bot, v1alpha1.ConditionFleetJoined, metav1.ConditionUnknown, tc.reason)
			if asks := operator.fleets.asks(w.namespace); len(asks) > 0 {
				t.Errorf("the control plane was asked %v times", asks)
			}
		})
	}
}

func TestAPodsTroubleIsNamed(t *testing.T) {
	w := newWorld(t)
	bot := newBot("mybot", "", 1, 1)
	bot.Spec.Fleet = nil
	w.create(discordSecret(), bot)
	w.playKubelet("mybot-bot-0", false)
	pod := podOf(w, "mybot-bot-0")
	w.create(pod)
	pod.Status = corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		Name: "bot", Image: "example.com/bot:v1", RestartCount: 4,
		State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 40s"}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Message: "improper token: " + botToken}},
	}}}
	if err := admin.Status().Update(w.ctx, pod); err != nil {
		t.Fatal(err)
	}
	ready := w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPodTrouble)
	want := "cluster mybot-0: CrashLoopBackOff: container bot ended with exit code 3: see kubectl logs --previous"
	if ready.Message != want {
		t.Errorf("message %q\n   want %q", ready.Message, want)
	}
	if strings.Contains(ready.Message, botToken) {
		t.Error("the token that the bot printed is in a condition")
	}
	if reason := get(w, "mybot", bot).Status.ClusterStatuses[0].Reason; reason != "CrashLoopBackOff" {
		t.Errorf("cluster's reason %q, want CrashLoopBackOff", reason)
	}
}

// botToken is what a bot may print that cannot sign in.
const botToken = "MTA5.abc.def"

// podOf is a pod as the ReplicaSet of a Deployment would make it.
func podOf(w *world, deployment string) *corev1.Pod {
	template := get(w, deployment, &appsv1.Deployment{}).Spec.Template
	spec := template.Spec
	spec.ServiceAccountName = ""
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: deployment + "-x", Labels: template.Labels, Annotations: template.Annotations}, Spec: spec}
}

func TestEventsTellOfTransitionsOnce(t *testing.T) {
	w := newWorld(t)
	_, bot := runningBot(w)
	w.quietly()
	var seen []string
	w.eventually(func() string {
		var events eventsv1.EventList
		if err := admin.List(w.ctx, &events, client.InNamespace(w.namespace)); err != nil {
			return err.Error()
		}
		seen = nil
		for _, event := range events.Items {
			if event.Regarding.Kind == v1alpha1.KindArgusBot && event.Regarding.Name == bot.Name {
				seen = append(seen, event.Type+" "+event.Reason)
				if event.Series != nil {
					return "an event was repeated: " + event.Note
				}
			}
		}
		if want := "Normal " + v1alpha1.ReasonAvailable; !slices.Contains(seen, want) {
			return "no event " + want + " among " + strings.Join(seen, ", ")
		}
		return ""
	})
}

func TestEachPartySeesOnlyItsOwnToken(t *testing.T) {
	w := newWorld(t)
	runningBot(w)
	server := get(w, "main-fleet-server", &corev1.Secret{}).Data
	member := get(w, "main-fleet-member", &corev1.Secret{}).Data
	viewer := get(w, "main-fleet-viewer", &corev1.Secret{}).Data
	if string(member["token"]) != string(server["ingest-token"]) || len(member) != 1 {
		t.Error("the member Secret must hold the ingest token and nothing else")
	}
	if string(viewer["token"]) != string(server["viewer-token"]) || len(viewer) != 1 {
		t.Error("the viewer Secret must hold the viewer token and nothing else")
	}
	for _, name := range []string{"mybot-bot-0", "mybot-bot-1"} {
		for _, volume := range get(w, name, &appsv1.Deployment{}).Spec.Template.Spec.Volumes {
			if volume.Secret != nil && volume.Secret.SecretName != "main-fleet-member" && volume.Secret.SecretName != "discord-bot" {
				t.Errorf("%s mounts Secret %s", name, volume.Secret.SecretName)
			}
		}
	}
	change(w, "main-fleet-member", &corev1.Secret{}, func(s *corev1.Secret) { s.Data = map[string][]byte{"token": []byte("stolen")} })
	w.eventually(func() string {
		if string(get(w, "main-fleet-member", &corev1.Secret{}).Data["token"]) != string(server["ingest-token"]) {
			return "the member token is not healed"
		}
		return ""
	})
}

func TestASilentClusterThatNeverRegisteredIsExplained(t *testing.T) {
	w := newWorld(t)
	operator.fleets.set(w.namespace, fleetapi.ClusterStatus{Identity: "mybot-1", Number: 1, Status: fleetapi.StatusUp})
	fleet, bot := newFleet("main"), newBot("mybot", "main", 2, 2)
	w.create(discordSecret(), fleet, bot)
	for _, name := range []string{"main-fleet", "mybot-bot-0", "mybot-bot-1"} {
		w.playKubelet(name, true)
	}
	w.waitCondition(bot, v1alpha1.ConditionFleetJoined, metav1.ConditionFalse, v1alpha1.ReasonWaiting)
	pod := podOf(w, "mybot-bot-0")
	w.create(pod)
	pod.Status = corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		Name: "bot", Image: "example.com/bot:v1", Ready: true,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(time.Now().Add(-3 * time.Minute))}},
	}}}
	if err := admin.Status().Update(w.ctx, pod); err != nil {
		t.Fatal(err)
	}
	never := w.waitCondition(bot, v1alpha1.ConditionFleetJoined, metav1.ConditionFalse, v1alpha1.ReasonNeverRegistered)
	if !strings.HasPrefix(never.Message, "mybot-0 runs") || !strings.Contains(never.Message, "delivery: Env") {
		t.Errorf("message %q should name mybot-0 alone and say what to do", never.Message)
	}
}
