//go:build apiserver

package apiserver

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// address is how everybody is told to reach the control plane `main`.
func (w *world) address() string {
	w.Helper()
	fleet, bot := get(w, "main", &v1alpha1.ArgusFleet{}), get(w, "mybot", &v1alpha1.ArgusBot{})
	told := ""
	for _, variable := range get(w, "mybot-bot-0", &appsv1.Deployment{}).Spec.Template.Spec.Containers[0].Env {
		if variable.Name == fleetapi.EnvMemberFleetURL {
			told = variable.Value
		}
	}
	scheme := func(url string) string { before, _, _ := strings.Cut(url, "://"); return before }
	port := get(w, "main-fleet", &corev1.Service{}).Spec.Ports[0].Name
	return fmt.Sprintf("fleet %s, Service %s, bot %s, its pods %s", scheme(fleet.Status.URL), port, scheme(bot.Status.FleetURL), scheme(told))
}

func (w *world) waitAddress(want string) {
	w.Helper()
	w.eventually(func() string {
		if got := w.address(); got != want {
			return fmt.Sprintf("the address is %s, want %s", got, want)
		}
		return ""
	})
}

// A change that has not reached the control plane's pod changes neither the address nor
// the tokens that others use: they would be cut off from what runs.
func TestOthersAreLedToWhatRuns(t *testing.T) {
	t.Parallel()
	const plain, secure = "fleet http, Service http, bot http, its pods http", "fleet https, Service https, bot https, its pods https"
	w := newWorld(t)
	fleet, bot := runningBot(w)
	w.waitAddress(plain)
	token := func() string { return string(get(w, "main-fleet-member", &corev1.Secret{}).Data[tokens.KeyToken]) }
	before := token()
	w.create(tlsSecret("tls.crt", "tls.key", "ca.crt"), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "our-tokens"}, StringData: map[string]string{
		tokens.KeyIngest: "i-1", tokens.KeyViewer: "v-1", tokens.KeyAdmin: "a-1", tokens.KeyPepper: "p",
	}})

	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) {
		f.Spec.Suspend = ptr.To(v1alpha1.SuspendRollouts)
		f.Spec.TLS = &v1alpha1.FleetTLS{SecretRef: v1alpha1.LocalRef{Name: "cert"}}
		f.Spec.Tokens = &v1alpha1.FleetTokens{ExistingSecretRef: &v1alpha1.LocalRef{Name: "our-tokens"}}
		f.Spec.Image = new(otherImage)
	})
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	w.waitCondition(fleet, v1alpha1.ConditionTokensRotated, metav1.ConditionFalse, v1alpha1.ReasonWaiting)
	w.quietly()
	w.waitAddress(plain)
	if now := token(); now != before {
		t.Errorf("members were handed %q, which the control plane does not accept", now)
	}
	if image := get(w, "main", fleet).Status.Image; image != fleetImage {
		t.Errorf("status.image is %s, and %s runs", image, fleetImage)
	}
	w.waitMessage(bot, v1alpha1.ConditionReady, "every cluster runs as the spec says")

	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Suspend = nil })
	w.eventually(func() string {
		if imageOf(w, "main-fleet") != otherImage {
			return "the control plane stays as it was"
		}
		return ""
	})
	w.playKubelet("main-fleet", true)
	for _, name := range []string{"mybot-bot-0", "mybot-bot-1"} {
		w.playKubelet(name, true)
		w.eventually(func() string {
			for _, volume := range get(w, name, &appsv1.Deployment{}).Spec.Template.Spec.Volumes {
				if volume.Secret != nil && volume.Secret.SecretName == "cert" {
					return ""
				}
			}
			return name + " does not know the authority"
		})
		w.playKubelet(name, true)
	}
	w.waitAddress(secure)
	w.waitCondition(fleet, v1alpha1.ConditionTokensRotated, metav1.ConditionTrue, v1alpha1.ReasonStable)
	if now := token(); now != "i-1" {
		t.Errorf("members are handed %q, want the first of the user's own", now)
	}
	if image := get(w, "main", fleet).Status.Image; image != otherImage {
		t.Errorf("status.image is %s, and %s runs", image, otherImage)
	}
}

// A control plane that does not serve TLS yet is not shown to the world by a Service
// that needs it.
func TestALoadBalancerWaitsForTheTLSThatItNeeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet := newFleet("main")
	w.create(fleet)
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) {
		f.Spec.TLS = &v1alpha1.FleetTLS{SecretRef: v1alpha1.LocalRef{Name: "cert"}}
		f.Spec.Service = &v1alpha1.FleetService{Type: new(v1alpha1.ServiceType("LoadBalancer"))}
	})
	w.waitCondition(fleet, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonSecretMissing)
	w.waitCondition(fleet, v1alpha1.ConditionExposed, metav1.ConditionFalse, v1alpha1.ReasonWaiting)
	w.quietly()
	if kind := get(w, "main-fleet", &corev1.Service{}).Spec.Type; kind != corev1.ServiceTypeClusterIP {
		t.Errorf("the Service is a %s while the control plane speaks in the clear", kind)
	}
	w.create(tlsSecret("tls.crt", "tls.key", "ca.crt"))
	w.eventually(func() string {
		if kind := get(w, "main-fleet", &corev1.Service{}).Spec.Type; kind != corev1.ServiceTypeLoadBalancer {
			return "the Service is a " + string(kind)
		}
		return ""
	})
}

// A spec that cannot be carried out holds up what the status tells of the control plane
// that runs as little as the control plane itself.
func TestAStalledFleetIsStillLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet, _ := runningBot(w)
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) {
		f.Spec.Pod = &v1alpha1.Pod{Sidecars: []v1alpha1.Fragment{{RawExtension: runtime.RawExtension{Raw: []byte(`{"name": "x", "image": "y:1", "nonsense": true}`)}}}}
	})
	w.waitCondition(fleet, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidPod)
	w.settle()
	operator.fleets.set(w.namespace, upCluster("mybot-0", 1, 2, 60))
	w.eventually(func() string {
		if shown := get(w, "main", fleet).Status.Display.Clusters; shown != "1/1" {
			return "the status shows " + shown + " clusters"
		}
		return ""
	})
}
