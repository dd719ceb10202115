//go:build apiserver

package apiserver

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// Two processes of one shard would answer every command twice, so the new layout
// starts when no pod of the old one is left.
func TestANewShardLayoutWaitsForTheOldPods(t *testing.T) {
	w := newWorld(t)
	_, bot := runningBot(w)
	pod := podOf(w, "mybot-bot-0")
	w.create(pod)
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Sharding = v1alpha1.Sharding{Total: 6, Clusters: ptr.To[int32](3)} })
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonResharding)
	w.eventually(func() string {
		for _, name := range []string{"mybot-bot-0", "mybot-bot-1"} {
			if w.exists(name, &appsv1.Deployment{}) == "" {
				return name + " of the old layout still stands"
			}
		}
		return ""
	})
	time.Sleep(2 * time.Second)
	if w.exists("mybot-bot-2", &appsv1.Deployment{}) == "" {
		t.Fatal("the new layout started while a pod of the old one was there")
	}

	if err := admin.Delete(w.ctx, pod, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mybot-bot-0", "mybot-bot-1", "mybot-bot-2"} {
		w.playKubelet(name, true)
	}
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
}

// A pod that has ended, such as an evicted one, stays as an object and runs nothing.
func TestAnEndedPodDoesNotHoldUpANewLayout(t *testing.T) {
	w := newWorld(t)
	_, bot := runningBot(w)
	pod := podOf(w, "mybot-bot-0")
	w.create(pod)
	pod.Status.Phase = corev1.PodFailed
	if err := admin.Status().Update(w.ctx, pod); err != nil {
		t.Fatal(err)
	}
	change(w, "mybot", bot, func(b *v1alpha1.ArgusBot) { b.Spec.Sharding = v1alpha1.Sharding{Total: 2, Clusters: ptr.To[int32](2)} })
	for _, name := range []string{"mybot-bot-0", "mybot-bot-1"} {
		w.eventually(func() string {
			var deployment appsv1.Deployment
			if problem := w.exists(name, &deployment); problem != "" {
				return problem
			}
			if layout := deployment.Spec.Template.Annotations["argus.dev/shards"]; layout != name[len(name)-1:]+"/2" {
				return name + " runs " + layout
			}
			return ""
		})
		w.playKubelet(name, true)
	}
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
}

func TestDriftIsHealedBesideAClusterThatIsDown(t *testing.T) {
	w := newWorld(t)
	runningBot(w)
	w.playKubelet("mybot-bot-1", false)
	change(w, "mybot-bot-0", &appsv1.Deployment{}, func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](0) })
	w.eventually(func() string {
		if *get(w, "mybot-bot-0", &appsv1.Deployment{}).Spec.Replicas != 1 {
			return "replicas not healed"
		}
		return ""
	})
}

// Somebody else's Service under the control plane's name would be sent its tokens:
// the bots', and the operator's own.
func TestNobodyTalksToAForeignService(t *testing.T) {
	w := newWorld(t)
	w.create(discordSecret(), &corev1.Service{
		ObjectMeta: foreignMeta("main-fleet", "fleet"),
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "attacker.example.com"},
	})
	fleet, bot := newFleet("main"), newBot("mybot", "main", 1, 1)
	w.create(fleet, bot)
	w.waitCondition(fleet, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNameConflict)
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonFleetNotReady)
	time.Sleep(2 * time.Second)
	if w.exists("main-fleet-member", &corev1.Secret{}) == "" || w.exists("mybot-bot-0", &appsv1.Deployment{}) == "" {
		t.Error("a token was made, or a bot was started with it")
	}
	if asks := operator.fleets.asks(w.namespace); len(asks) > 0 {
		t.Errorf("the operator asked a foreign Service %v times", asks)
	}
}

// A Secret that is deleted later hurts only when a pod is started, and says so then.
func TestARunningBotOutlivesItsSecret(t *testing.T) {
	w := newWorld(t)
	_, bot := runningBot(w)
	if err := admin.Delete(w.ctx, discordSecretIn(w.namespace)); err != nil {
		t.Fatal(err)
	}
	restarted, err := operator.restart()
	if err != nil {
		t.Fatal(err)
	}
	operator = restarted
	w.rounds(6)
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	w.playKubelet("mybot-bot-1", false)
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretMissing)
}

func discordSecretIn(namespace string) *corev1.Secret {
	secret := discordSecret()
	secret.Namespace = namespace
	return secret
}
