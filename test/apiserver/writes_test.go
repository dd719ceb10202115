//go:build apiserver

package apiserver

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

func TestUnchangedObjectsCostNoWrite(t *testing.T) {
	w := newWorld(t)
	runningBot(w)
	w.quietly()
}

func TestARestartOfTheOperatorCostsNoWrite(t *testing.T) {
	w := newWorld(t)
	runningBot(w)
	w.settle()
	w.restart(nil)
	w.rounds(4)
	w.settle()
	w.wroteNothing()
}

// Values that the API server writes in another way than they were given, and lists
// and maps that it fills up, must not look like changes for ever.
func TestValuesInAnotherNotationCostNoWrite(t *testing.T) {
	w := newWorld(t)
	fleet := newFleet("main")
	fleet.Spec.Storage = &v1alpha1.FleetStorage{Size: ptr.To(resource.MustParse("2048Mi"))}
	fleet.Spec.Pod = &v1alpha1.Pod{
		Resources: &v1alpha1.Resources{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("0.5"), corev1.ResourceMemory: resource.MustParse("0.25Gi")},
			Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1000m")},
		},
		Tolerations:  []corev1.Toleration{{Key: "spot", Operator: corev1.TolerationOpExists}},
		NodeSelector: map[string]string{"pool": "bots"},
		Affinity:     &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}},
	}
	w.create(fleet)
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, "True", v1alpha1.ReasonAvailable)
	w.waitCondition(fleet, v1alpha1.ConditionReachable, "True", v1alpha1.ReasonShortTTL)
	w.quietly()
	claim := get(w, "main-fleet-state", &corev1.PersistentVolumeClaim{})
	if size := claim.Spec.Resources.Requests[corev1.ResourceStorage]; size.String() != "2Gi" {
		t.Errorf("the claim asks for %s, want 2Gi", size.String())
	}
}

func TestDriftIsHealedAndWhatOthersOwnIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	runningBot(w)
	const restartedAt = "kubectl.kubernetes.io/restartedAt"
	change(w, "mybot-bot-0", &appsv1.Deployment{}, func(d *appsv1.Deployment) {
		d.Spec.Replicas = ptr.To[int32](0)
		d.Spec.Template.Annotations = map[string]string{restartedAt: "today"}
		d.Spec.Template.Spec.Containers[0].Env[0].Value = "somebody-else"
		delete(d.Labels, "app.kubernetes.io/managed-by")
	})
	w.eventually(func() string {
		live := get(w, "mybot-bot-0", &appsv1.Deployment{})
		switch {
		case *live.Spec.Replicas != 1:
			return "replicas not healed"
		case live.Spec.Template.Spec.Containers[0].Env[0].Value != "mybot-0":
			return "the identity is not healed"
		case live.Labels["app.kubernetes.io/managed-by"] == "":
			return "the label is not healed"
		}
		return ""
	})
	if live := get(w, "mybot-bot-0", &appsv1.Deployment{}); live.Spec.Template.Annotations[restartedAt] != "today" {
		t.Error("the annotation of `kubectl rollout restart` was undone")
	}
	w.playKubelet("mybot-bot-0", true)
	w.waitCondition(newBot("mybot", "", 1, 1), v1alpha1.ConditionReady, "True", v1alpha1.ReasonAvailable)
	w.quietly()
}

// A port of another number is another element to a server-side apply, and two of one
// name are invalid: the list is written as a whole then.
func TestAChangedPortIsHealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet, bot := runningBot(w)
	change(w, "main-fleet", &corev1.Service{}, func(s *corev1.Service) { s.Spec.Ports[0].Port = 1234 })
	change(w, "mybot-bot-0", &appsv1.Deployment{}, func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Ports[0].ContainerPort = 1234
	})
	w.eventually(func() string {
		service, cluster := get(w, "main-fleet", &corev1.Service{}), get(w, "mybot-bot-0", &appsv1.Deployment{})
		ports := cluster.Spec.Template.Spec.Containers[0].Ports
		if len(service.Spec.Ports) != 1 || service.Spec.Ports[0].Port != 9190 || len(ports) != 1 || ports[0].ContainerPort != 9191 {
			return fmt.Sprintf("the ports are %v and %v", service.Spec.Ports, ports)
		}
		return ""
	})
	w.playKubelet("mybot-bot-0", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, "True", v1alpha1.ReasonAvailable)
	w.waitCondition(bot, v1alpha1.ConditionReady, "True", v1alpha1.ReasonAvailable)
	w.quietly()
}

func TestAFieldThatIsNoLongerWantedGoesAway(t *testing.T) {
	w := newWorld(t)
	fleet := newFleet("main")
	fleet.Spec.Pod = &v1alpha1.Pod{NodeSelector: map[string]string{"pool": "bots"}}
	w.create(fleet)
	w.playKubelet("main-fleet", true)
	if got := get(w, "main-fleet", &appsv1.Deployment{}).Spec.Template.Spec.NodeSelector["pool"]; got != "bots" {
		t.Fatalf("node selector %q, want bots", got)
	}
	change(w, "main", &v1alpha1.ArgusFleet{}, func(f *v1alpha1.ArgusFleet) { f.Spec.Pod = nil })
	w.eventually(func() string {
		if len(get(w, "main-fleet", &appsv1.Deployment{}).Spec.Template.Spec.NodeSelector) > 0 {
			return "the node selector is still there"
		}
		return ""
	})
}

// Until the operator has read a control plane for the first time, what an earlier process
// has been told stays as it is: that nobody has looked is no news.
func TestWhatIsKnownOutlivesARestart(t *testing.T) {
	w := newWorld(t)
	_, bot := runningBot(w)
	w.settle()
	operator.fleets.reading(w.namespace, true)
	w.restart(nil)
	w.rounds(4)
	if status := get(w, "mybot", bot).Status; status.Display.Shards != "4/4" || status.Guilds == nil || status.Clusters.Up != 2 {
		t.Errorf("the status has forgotten %+v", status)
	}
	operator.fleets.reading(w.namespace, false)
	w.rounds(4)
	w.wroteNothing()
}

// wroteNothing fails if the operator, which was started anew, has written.
func (w *world) wroteNothing() {
	w.Helper()
	if now := operator.writes.in(w.namespace); len(now) > 0 {
		w.Errorf("%d writes after the restart:\n%s", len(now), strings.Join(now, "\n"))
	}
}
