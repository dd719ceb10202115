package schema

import (
	"strings"
	"testing"

	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// pod.env refuses the variables that the operator sets itself. The rule is text in a
// marker, so it can fall behind the builder: this is what notices.
func TestEveryVariableThatTheOperatorSetsIsRefusedInPodEnv(t *testing.T) {
	var rules []string
	for _, v := range crds(t)["argus.dev_argusbots.yaml"].Spec.Versions {
		for _, validation := range v.Schema.OpenAPIV3Schema.Properties["spec"].XValidations {
			rules = append(rules, validation.Rule)
		}
	}
	rule := strings.Join(rules, "\n")
	if rule == "" {
		t.Fatal("pod.env has no rule")
	}
	secret := v1alpha1.SecretKeyRef{Name: "s", Key: "k"}
	for _, delivery := range []v1alpha1.Delivery{v1alpha1.DeliverFile, v1alpha1.DeliverEnv} {
		bot := &v1alpha1.ArgusBot{Spec: v1alpha1.ArgusBotSpec{
			Fleet:     &v1alpha1.BotFleet{Ref: &v1alpha1.LocalRef{Name: "main"}, Delivery: &delivery},
			Discord:   v1alpha1.Discord{TokenSecretRef: secret, TokenEnv: ptr.To("THE_TOKEN")},
			Sharding:  v1alpha1.Sharding{Total: 1, Clusters: ptr.To[int32](1)},
			Metrics:   &v1alpha1.BotMetrics{TokenSecretRef: &secret},
			Dashboard: &v1alpha1.BotDashboard{TokenSecretRef: &secret},
		}}
		deployments, err := manifests.BotDeployments(bot, manifests.TargetOf(&v1alpha1.ArgusFleet{Spec: v1alpha1.ArgusFleetSpec{TLS: &v1alpha1.FleetTLS{}}}), "", manifests.Forms()[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, variable := range deployments[0].Spec.Template.Spec.Containers[0].Env {
			// The token's own variable has a rule of its own, with its name in it.
			if !strings.HasPrefix(variable.Name, "THE_TOKEN") && !strings.Contains(rule, "'"+variable.Name+"'") {
				t.Errorf("%s can be overridden in pod.env", variable.Name)
			}
		}
	}
}
