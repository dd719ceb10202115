//go:build e2e

package e2e

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// What kubectl prints is what a person gets to read.
func TestNonsenseIsRefusedWithASentence(t *testing.T) {
	bot := func(image, fleet, sharding string) string {
		return `{apiVersion: argus.dev/v1alpha1, kind: ArgusBot, metadata: {name: nonsense}, spec: {image: "` + image + `", fleet: ` + fleet +
			`, discord: {tokenSecretRef: {name: d, key: token}}, sharding: ` + sharding + `}}`
	}
	const ref, both = `{ref: {name: main}}`, `{ref: {name: main}, external: {url: "https://f.example.com", tokenSecretRef: {name: d, key: t}}}`
	for sentence, tc := range map[string]struct{ manifest, want string }{
		"an untagged image": {
			bot("ghcr.io/you/bot", ref, `{total: 2, clusters: 1}`),
			"image needs a tag other than latest",
		},
		"both fleet.ref and external": {
			bot("ghcr.io/you/bot:v1", both, `{total: 2, clusters: 1}`),
			"fleet needs exactly one of ref (an ArgusFleet in this namespace) and external",
		},
		"shards that do not add up": {
			bot("ghcr.io/you/bot:v1", ref, `{total: 12, perCluster: [6, 3, 2]}`),
			"sharding.perCluster must add up to sharding.total",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			err := apply(t.Context(), mainNamespace, tc.manifest)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("refused with\n%v\nwant %q in it", err, tc.want)
			}
		})
	}
}

const foreign = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, labels: {app: theirs}}
spec:
  replicas: 0
  selector: {matchLabels: {app: theirs}}
  template:
    metadata: {labels: {app: theirs}}
    spec: {containers: [{name: theirs, image: "example.com/theirs:1"}]}
`

func TestForeignObjectsUnderWantedNamesAreLeftAlone(t *testing.T) {
	const strangers = "e2e-foreign"
	namespace(t, strangers)
	mustApply(t, strangers, strings.ReplaceAll(foreign, "NAME", "mybot-bot-0"))
	mustApply(t, strangers, `{apiVersion: v1, kind: Secret, metadata: {name: main-fleet-server}, stringData: {theirs: "yes"}}`)
	deployment := get(t, strangers, "mybot-bot-0", &appsv1.Deployment{})
	secret := get(t, strangers, "main-fleet-server", &corev1.Secret{})

	mustApply(t, strangers, strings.ReplaceAll(scenario(), "fleet: {ref: {name: main}, region: europe}", ""))
	for _, object := range []client.Object{
		&v1alpha1.ArgusFleet{ObjectMeta: metav1.ObjectMeta{Name: "main"}},
		&v1alpha1.ArgusBot{ObjectMeta: metav1.ObjectMeta{Name: "mybot"}},
	} {
		eventually(t, func() string {
			get(t, strangers, object.GetName(), object)
			stalled := meta.FindStatusCondition(conditionsOf(object), v1alpha1.ConditionStalled)
			if stalled == nil || stalled.Status != metav1.ConditionTrue || stalled.Reason != v1alpha1.ReasonNameConflict {
				return object.GetName() + " is not Stalled/NameConflict"
			}
			return ""
		})
	}
	if now := get(t, strangers, "main-fleet-server", &corev1.Secret{}); now.ResourceVersion != secret.ResourceVersion {
		t.Error("the foreign Secret was written")
	}
	now := get(t, strangers, "mybot-bot-0", &appsv1.Deployment{})
	if now.Generation != deployment.Generation || len(now.OwnerReferences) > 0 || now.Labels["app.kubernetes.io/managed-by"] != "" {
		t.Error("the foreign Deployment was written")
	}
	must(t, "delete", "namespace", strangers, "--wait=false")
}

func conditionsOf(object client.Object) []metav1.Condition {
	if fleet, ok := object.(*v1alpha1.ArgusFleet); ok {
		return fleet.Status.Conditions
	}
	return object.(*v1alpha1.ArgusBot).Status.Conditions
}
