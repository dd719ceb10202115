package manifests

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

func fleetOf(t *testing.T, spec string) *v1alpha1.ArgusFleet {
	t.Helper()
	fleet := &v1alpha1.ArgusFleet{}
	decode(t, []byte("{metadata: {name: main, namespace: bots}, spec: "+spec+"}"), fleet)
	return fleet
}

func TestWhatIsNotAskedForIsNotBuilt(t *testing.T) {
	fleet := fleetOf(t, "{networkPolicy: {state: Disabled}, storage: {existingClaimRef: {name: ours}}, pod: {serviceAccount: {create: false, name: ours}}}")
	for name, missing := range map[string]bool{
		"Ingress": FleetIngress(fleet) == nil, "HTTPRoute": FleetHTTPRoute(fleet) == nil, "ServiceMonitor": FleetServiceMonitor(fleet) == nil,
		"PrometheusRule": FleetPrometheusRule(fleet) == nil, "NetworkPolicy": FleetNetworkPolicy(fleet, testOptions()) == nil,
		"PersistentVolumeClaim": FleetClaim(fleet, nil) == nil, "ServiceAccount": FleetServiceAccount(fleet) == nil,
	} {
		if !missing {
			t.Errorf("%s is built", name)
		}
	}
}

// The pod waits for what somebody else has to make, so all of it must be known by name.
func TestWhatAControlPlaneWaitsFor(t *testing.T) {
	for sentence, tc := range map[string]struct {
		spec string
		want []string
	}{
		"nothing": {"{}", nil},
		"tokens of the user's own": {"{tokens: {existingSecretRef: {name: ours}}}", []string{
			"spec.tokens.existingSecretRef Secret ours/ingest-token", "spec.tokens.existingSecretRef Secret ours/viewer-token",
			"spec.tokens.existingSecretRef Secret ours/admin-token", "spec.tokens.existingSecretRef Secret ours/secret-pepper",
		}},
		"a certificate": {"{tls: {secretRef: {name: tls}}}", []string{
			"spec.tls.secretRef Secret tls/tls.crt", "spec.tls.secretRef Secret tls/tls.key", "spec.tls.secretRef Secret tls/ca.crt",
		}},
		"a Prometheus with its authority in a Secret": {
			"{prometheus: {url: 'https://p', tokenSecretRef: {name: p, key: t}, caRef: {name: ca, key: c}}}",
			[]string{"spec.prometheus.tokenSecretRef Secret p/t", "spec.prometheus.caRef Secret ca/c"},
		},
		"a Prometheus with its authority in a ConfigMap": {
			"{prometheus: {url: 'https://p', caRef: {kind: ConfigMap, name: ca, key: c}}}", []string{"spec.prometheus.caRef ConfigMap ca/c"},
		},
		"a ClickHouse": {
			"{analytics: {clickhouseDSNSecretRef: {name: c, key: dsn}}}", []string{"spec.analytics.clickhouseDSNSecretRef Secret c/dsn"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			fleet := fleetOf(t, tc.spec)
			var got []string
			for _, ref := range FleetSecrets(fleet) {
				got = append(got, fmt.Sprintf("%s Secret %s/%s", ref.Field, ref.Ref.Name, ref.Ref.Key))
			}
			for _, ref := range FleetConfigMaps(fleet) {
				got = append(got, fmt.Sprintf("%s ConfigMap %s/%s", ref.Field, ref.Ref.Name, ref.Ref.Key))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			checkMounted(t, fleet, got)
		})
	}
}

// checkMounted expects every Secret and ConfigMap that the pod mounts to be waited for
// or made by us.
func checkMounted(t *testing.T, fleet *v1alpha1.ArgusFleet, known []string) {
	t.Helper()
	names := map[string]bool{"Secret main-fleet-server": true}
	for _, line := range known {
		var field, kind, ref string
		if _, err := fmt.Sscan(line, &field, &kind, &ref); err != nil {
			t.Fatal(err)
		}
		names[kind+" "+ref] = true
	}
	for _, volume := range must(FleetDeployment(fleet, testOptions())).Spec.Template.Spec.Volumes {
		var items []corev1.KeyToPath
		var from string
		switch {
		case volume.Secret != nil:
			items, from = volume.Secret.Items, "Secret "+volume.Secret.SecretName
		case volume.ConfigMap != nil:
			items, from = volume.ConfigMap.Items, "ConfigMap "+volume.ConfigMap.Name
		}
		for _, item := range items {
			if !names[from] && !names[from+"/"+item.Key] {
				t.Errorf("%s/%s is mounted, and nobody waits for it", from, item.Key)
			}
		}
	}
}

func TestTheClaimOfTheUsersOwnIsTakenAsItIs(t *testing.T) {
	fleet := fleetOf(t, "{storage: {existingClaimRef: {name: ours}}}")
	live := &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}}}
	if name := FleetClaimName(fleet); name != "ours" {
		t.Errorf("the claim is %s", name)
	}
	if difference := ClaimDifference(fleet, live); difference != "" {
		t.Errorf("it differs in %s", difference)
	}
	if name := FleetClaimName(fleetOf(t, "{storage: {size: 2Gi}}")); name != "main-fleet-state" {
		t.Errorf("our own claim is %s", name)
	}
}

func TestFleetAdmitsIngress(t *testing.T) {
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"ingress": "true"}}
	for sentence, tc := range map[string]struct {
		spec       string
		namespaces *metav1.LabelSelector
		want       bool
	}{
		"nobody said who":          {"{}", nil, false},
		"the operator was told":    {"{}", selector, true},
		"the spec names a peer":    {"{networkPolicy: {extraIngressFrom: [{podSelector: {}}]}}", nil, true},
		"the policy is off":        {"{networkPolicy: {state: Disabled}}", nil, true},
		"the policy only has more": {"{networkPolicy: {extraEgressTo: [{ports: [{port: 1}]}]}}", nil, false},
	} {
		options := testOptions()
		options.IngressNamespaces = tc.namespaces
		if got := FleetAdmitsIngress(fleetOf(t, tc.spec), options); got != tc.want {
			t.Errorf("%s: %v", sentence, got)
		}
	}
}

func TestAPrometheusWithoutAPortThatCanBeReachedIsRefused(t *testing.T) {
	for _, address := range []string{"http://prometheus:0", "http://prometheus:70000"} {
		_, err := FleetDeployment(fleetOf(t, "{prometheus: {url: '"+address+"'}}"), testOptions())
		refused(t, err, v1alpha1.ReasonInvalidSpec, "spec.prometheus.url")
	}
}

// A bot that reads its token once restarts when the token was replaced; one that
// follows the file does not.
func TestTheTokensFingerprintRestartsWhatReadsItOnce(t *testing.T) {
	fleet := fleetOf(t, "{}")
	fleet.Status.Tokens = &v1alpha1.FleetTokensStatus{MemberFingerprint: "abc"}
	for delivery, want := range map[string]string{"File": "", "Env": "abc"} {
		bot := &v1alpha1.ArgusBot{}
		decode(t, []byte(`{metadata: {name: mybot}, spec: {image: "x:1", fleet: {ref: {name: main}, delivery: `+delivery+`},
			discord: {tokenSecretRef: {name: a, key: b}}, sharding: {total: 1, clusters: 1}}}`), bot)
		template := must(BotDeployments(bot, TargetOf(fleet), "", Forms()[0]))[0].Spec.Template
		if got := template.Annotations["argus.dev/fleet-token"]; got != want {
			t.Errorf("%s: fingerprint %q, want %q", delivery, got, want)
		}
	}
}

// A bot is given the authority of its control plane, and nothing else of that Secret.
func TestABotNeverSeesTheKeyOfItsControlPlane(t *testing.T) {
	bot := &v1alpha1.ArgusBot{}
	decode(t, crs(t)["testdata/bot-tls.yaml"], bot)
	target := TargetOf(fleetOf(t, "{tls: {secretRef: {name: tls}}}"))
	for _, volume := range must(BotDeployments(bot, target, "", Forms()[0]))[0].Spec.Template.Spec.Volumes {
		if volume.Secret == nil || volume.Secret.SecretName != "tls" {
			continue
		}
		if diff := cmp.Diff([]corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}, volume.Secret.Items); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		return
	}
	t.Error("the authority is not mounted")
}
