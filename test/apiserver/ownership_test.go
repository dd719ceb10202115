//go:build apiserver

package apiserver

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// foreign objects carry the very labels that ours would: a label is not ownership.
func foreignMeta(name, kind string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Labels: map[string]string{
		"app.kubernetes.io/managed-by": v1alpha1.ManagedBy, "argus.dev/" + kind: "somebody",
	}}
}

func foreignDeployment(name, kind string) *appsv1.Deployment {
	labels := map[string]string{"app": "theirs"}
	return &appsv1.Deployment{ObjectMeta: foreignMeta(name, kind), Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "theirs", Image: "example.com/theirs:1"}}},
		},
	}}
}

func foreignIngress() *networkingv1.Ingress {
	return &networkingv1.Ingress{
		ObjectMeta: foreignMeta("main-fleet", "fleet"),
		Spec: networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: "theirs", Port: networkingv1.ServiceBackendPort{Number: 80}},
		}},
	}
}

func foreignUntyped(gvk schema.GroupVersionKind) *unstructured.Unstructured {
	meta, object := foreignMeta("main-fleet", "fleet"), untyped(gvk)
	object.SetName(meta.Name)
	object.SetLabels(meta.Labels)
	object.Object["spec"] = map[string]any{}
	return object
}

// exposedFleet wants an object of every kind.
func exposedFleet() *v1alpha1.ArgusFleet {
	fleet := newFleet("main")
	fleet.Spec.Ingress = &v1alpha1.FleetIngress{Host: "fleet.example.com", TLSSecretRef: &v1alpha1.LocalRef{Name: "cert"}}
	fleet.Spec.HTTPRoute = &v1alpha1.FleetHTTPRoute{ParentRefs: []v1alpha1.ParentRef{{Name: "public"}}}
	fleet.Spec.ServiceMonitor, fleet.Spec.PrometheusRule = &v1alpha1.MonitorObject{}, &v1alpha1.MonitorObject{}
	return fleet
}

func TestForeignObjectsAreLeftAlone(t *testing.T) {
	t.Parallel()
	install(t, append(monitorCRDs(), routeCRD())...)
	theirs := map[string]string{"app": "theirs"}
	for kind, foreign := range map[string]client.Object{
		"fleet Deployment":     foreignDeployment("main-fleet", "fleet"),
		"fleet Service":        &corev1.Service{ObjectMeta: foreignMeta("main-fleet", "fleet"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}},
		"fleet ServiceAccount": &corev1.ServiceAccount{ObjectMeta: foreignMeta("main-fleet", "fleet")},
		"fleet NetworkPolicy": &networkingv1.NetworkPolicy{
			ObjectMeta: foreignMeta("main-fleet", "fleet"),
			Spec:       networkingv1.NetworkPolicySpec{PodSelector: metav1.LabelSelector{MatchLabels: theirs}},
		},
		"fleet PersistentVolumeClaim": &corev1.PersistentVolumeClaim{
			ObjectMeta: foreignMeta("main-fleet-state", "fleet"),
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: *quantity("1Gi")}},
			},
		},
		"fleet Ingress":        foreignIngress(),
		"fleet HTTPRoute":      foreignUntyped(manifests.GVKHTTPRoute()),
		"fleet ServiceMonitor": foreignUntyped(manifests.GVKServiceMonitor()),
		"fleet PrometheusRule": foreignUntyped(manifests.GVKPrometheusRule()),
		"viewer Secret":        &corev1.Secret{ObjectMeta: foreignMeta("main-fleet-viewer", "fleet"), StringData: map[string]string{"theirs": "x"}},
		"bot NetworkPolicy": &networkingv1.NetworkPolicy{
			ObjectMeta: foreignMeta("main-bot", "bot"),
			Spec:       networkingv1.NetworkPolicySpec{PodSelector: metav1.LabelSelector{MatchLabels: theirs}},
		},
		"server Secret":      &corev1.Secret{ObjectMeta: foreignMeta("main-fleet-server", "fleet"), StringData: map[string]string{"theirs": "x"}},
		"member Secret":      &corev1.Secret{ObjectMeta: foreignMeta("main-fleet-member", "fleet"), StringData: map[string]string{"theirs": "x"}},
		"bot Deployment":     foreignDeployment("main-bot-1", "bot"),
		"bot ServiceAccount": &corev1.ServiceAccount{ObjectMeta: foreignMeta("main-bot", "bot")},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.create(foreign, discordSecret())
			var ours client.Object = exposedFleet()
			if strings.HasPrefix(kind, "bot") {
				bot := newBot("main", "", 2, 2)
				bot.Spec.Fleet = nil
				ours = bot
			}
			w.create(ours)
			stalled := w.waitCondition(ours, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNameConflict)
			if !strings.Contains(stalled.Message, foreign.GetName()) {
				t.Errorf("message %q does not name %s", stalled.Message, foreign.GetName())
			}
			w.waitCondition(ours, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNameConflict)
			now := get(w, foreign.GetName(), foreign.DeepCopyObject().(client.Object))
			if now.GetResourceVersion() != foreign.GetResourceVersion() {
				t.Errorf("the foreign %s was written", kind)
			}
		})
	}
}

// A name that is somebody else's keeps a bot from nothing but that cluster: the others are
// healed while rollouts rest, and go to sleep.
func TestABotRestsAndSleepsAroundAForeignCluster(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.play()
	foreign := foreignDeployment("mybot-bot-0", "bot")
	bot := ungatedBot("mybot", 3, 3)
	w.create(foreign, discordSecret(), bot)
	running := func(want int) func() string {
		return func() string {
			if clusters := k.now(); count(clusters, func(c seen) bool { return c.runs }) != want {
				return fmt.Sprintf("%+v, want %d to run", clusters, want)
			}
			return ""
		}
	}
	w.eventually(running(2))
	change(w, bot.Name, bot, func(b *v1alpha1.ArgusBot) { b.Spec.Suspend = ptr.To(v1alpha1.SuspendRollouts) })
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNameConflict)
	if err := admin.Delete(w.ctx, w.deployment("mybot-bot-1")); err != nil {
		t.Fatal(err)
	}
	w.awaitStart(k, "mybot-bot-1", oldImage, 2)
	w.eventually(running(2))
	change(w, bot.Name, bot, func(b *v1alpha1.ArgusBot) { b.Spec.Hibernate = ptr.To(true) })
	w.eventually(running(0))
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNameConflict)
	if get(w, foreign.Name, &appsv1.Deployment{}).ResourceVersion != foreign.ResourceVersion {
		t.Error("the foreign Deployment was written")
	}
}

func TestStateOutlivesItsFleetAndIsAdoptedAgain(t *testing.T) {
	w := newWorld(t)
	fleet := newFleet("main")
	w.create(fleet)
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	claim, server := &corev1.PersistentVolumeClaim{}, &corev1.Secret{}
	get(w, "main-fleet-state", claim)
	get(w, "main-fleet-server", server)
	for _, kept := range []client.Object{claim, server} {
		if len(kept.GetOwnerReferences()) > 0 {
			t.Errorf("%s has an owner and would be deleted with the fleet", kept.GetName())
		}
		if _, has := kept.GetLabels()["app.kubernetes.io/instance"]; has {
			t.Errorf("%s carries the label by which Argo CD prunes", kept.GetName())
		}
		if kept.GetAnnotations()["argocd.argoproj.io/sync-options"] != "Prune=false" {
			t.Errorf("%s does not tell Argo CD to keep it", kept.GetName())
		}
	}

	w.deleteWhole(fleet)
	again := newFleet("main")
	w.create(again)
	w.playKubelet("main-fleet", true)
	w.waitCondition(again, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	adopted := get(w, "main-fleet-server", &corev1.Secret{})
	for _, key := range tokens.ServerKeys() {
		if string(adopted.Data[key]) != string(server.Data[key]) {
			t.Errorf("%s changed: members would be locked out, leases lost", key)
		}
	}
	if uid := get(w, "main-fleet-state", &corev1.PersistentVolumeClaim{}).UID; uid != claim.UID {
		t.Error("the claim is another one")
	}
}

func TestRetentionDeleteGivesTheStateAnOwner(t *testing.T) {
	w := newWorld(t)
	fleet := newFleet("main")
	w.create(fleet)
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	before := get(w, "main-fleet-server", &corev1.Secret{})
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) {
		policy := v1alpha1.Delete
		f.Spec.Storage = &v1alpha1.FleetStorage{RetentionPolicy: &policy}
	})
	w.eventually(func() string {
		if !metav1.IsControlledBy(get(w, "main-fleet-server", &corev1.Secret{}), fleet) {
			return "the server Secret has no owner"
		}
		if !metav1.IsControlledBy(get(w, "main-fleet-state", &corev1.PersistentVolumeClaim{}), fleet) {
			return "the claim has no owner"
		}
		return ""
	})
	after := get(w, "main-fleet-server", &corev1.Secret{})
	for _, key := range tokens.ServerKeys() {
		if string(before.Data[key]) != string(after.Data[key]) {
			t.Errorf("%s changed with the policy", key)
		}
	}
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Storage = nil })
	w.eventually(func() string {
		if len(get(w, "main-fleet-server", &corev1.Secret{}).OwnerReferences) > 0 ||
			len(get(w, "main-fleet-state", &corev1.PersistentVolumeClaim{}).OwnerReferences) > 0 {
			return "an owner is still there"
		}
		return ""
	})
}

// deleteWhole deletes an object, and what it owns. The operator is away meanwhile: it may
// put back what goes before it hears of the owner's end, and nobody would collect that.
func (w *world) deleteWhole(owner client.Object) {
	w.Helper()
	w.whileStopped(func() {
		if err := admin.Delete(w.ctx, owner); err != nil {
			w.Fatal(err)
		}
		w.playGarbageCollector(owner)
	})
}

// The API server has no garbage collector here; the owner references decide what
// it would delete.
func (w *world) playGarbageCollector(owner client.Object) {
	w.Helper()
	for _, list := range []client.ObjectList{
		&appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}, &corev1.SecretList{},
		&corev1.PersistentVolumeClaimList{}, &corev1.ConfigMapList{}, &networkingv1.NetworkPolicyList{},
	} {
		if err := admin.List(w.ctx, list, client.InNamespace(w.namespace)); err != nil {
			w.Fatal(err)
		}
		for _, object := range items(w, list) {
			if !metav1.IsControlledBy(object, owner) {
				continue
			}
			if err := admin.Delete(w.ctx, object); err != nil {
				w.Fatal(err)
			}
		}
	}
}
