package manifests

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

func tlsFrom(secret string) *v1alpha1.FleetTLS {
	return &v1alpha1.FleetTLS{SecretRef: v1alpha1.LocalRef{Name: secret}}
}

func loadBalancer() *v1alpha1.FleetService {
	return &v1alpha1.FleetService{Type: ptr.To(v1alpha1.ServiceType(corev1.ServiceTypeLoadBalancer))}
}

// Where a change of the spec has not reached the pod, what leads to the control plane
// leads to what runs.
func TestAFleetAsItRuns(t *testing.T) {
	type address struct{ URL, PortName, Authority, ServiceType string }
	const plain, secure = "http://main-fleet.bots.svc:9190", "https://main-fleet.bots.svc:9190"
	for sentence, tc := range map[string]struct {
		// ran is the spec that the Deployment was made of, nil for none.
		ran, wants *v1alpha1.ArgusFleetSpec
		want       address
	}{
		"before there is a Deployment the spec counts": {
			nil, &v1alpha1.ArgusFleetSpec{TLS: tlsFrom("cert")}, address{secure, "https", "cert", "ClusterIP"},
		},
		"the pod is as the spec says": {
			&v1alpha1.ArgusFleetSpec{TLS: tlsFrom("cert")}, &v1alpha1.ArgusFleetSpec{TLS: tlsFrom("cert")}, address{secure, "https", "cert", "ClusterIP"},
		},
		"TLS is wanted and not served yet": {
			&v1alpha1.ArgusFleetSpec{}, &v1alpha1.ArgusFleetSpec{TLS: tlsFrom("cert")}, address{plain, "http", "", "ClusterIP"},
		},
		"TLS is still served and no longer wanted": {
			&v1alpha1.ArgusFleetSpec{TLS: tlsFrom("cert")}, &v1alpha1.ArgusFleetSpec{}, address{secure, "https", "cert", "ClusterIP"},
		},
		"another certificate is wanted": {
			&v1alpha1.ArgusFleetSpec{TLS: tlsFrom("old")}, &v1alpha1.ArgusFleetSpec{TLS: tlsFrom("new")}, address{secure, "https", "old", "ClusterIP"},
		},
		"a load balancer waits for the TLS that it needs": {
			&v1alpha1.ArgusFleetSpec{}, &v1alpha1.ArgusFleetSpec{TLS: tlsFrom("cert"), Service: loadBalancer()}, address{plain, "http", "", "ClusterIP"},
		},
		"a load balancer that may be in the clear does not": {
			&v1alpha1.ArgusFleetSpec{},
			&v1alpha1.ArgusFleetSpec{TLS: tlsFrom("cert"), Service: loadBalancer(), AllowInsecureExposure: ptr.To(true)},
			address{plain, "http", "", "LoadBalancer"},
		},
		"a volume of the user's own with that name is no certificate": {
			&v1alpha1.ArgusFleetSpec{Pod: &v1alpha1.Pod{Volumes: []v1alpha1.Fragment{{RawExtension: runtime.RawExtension{Raw: []byte(`{"name": "tls", "secret": {"secretName": "theirs"}}`)}}}}},
			&v1alpha1.ArgusFleetSpec{},
			address{plain, "http", "", "ClusterIP"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			fleet := &v1alpha1.ArgusFleet{}
			fleet.Name, fleet.Namespace = "main", "bots"
			var running *appsv1.Deployment
			if tc.ran != nil {
				fleet.Spec = *tc.ran
				running = must(FleetDeployment(fleet, testOptions()))
			}
			fleet.Spec = *tc.wants
			asRun := FleetAsRun(fleet, running)
			target, service := TargetOf(asRun), FleetService(asRun)
			got := address{URL: target.URL, PortName: service.Spec.Ports[0].Name, ServiceType: string(service.Spec.Type)}
			if target.CA != nil {
				got.Authority = target.CA.Name
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if diff := cmp.Diff(*tc.wants, fleet.Spec); diff != "" {
				t.Errorf("the spec was changed (-was +is)\n%s", diff)
			}
		})
	}
}

func TestWhatADeploymentRuns(t *testing.T) {
	fleet := &v1alpha1.ArgusFleet{}
	fleet.Name = "main"
	generated := must(FleetDeployment(fleet, testOptions()))
	fleet.Spec.Tokens = &v1alpha1.FleetTokens{ExistingSecretRef: &v1alpha1.LocalRef{Name: "ours"}}
	fleet.Spec.Image = ptr.To("example.com/other:v2")
	own := must(FleetDeployment(fleet, testOptions()))
	wanted := fleet.DeepCopy()
	wanted.Spec.Tokens.ExistingSecretRef.Name = "theirs"
	for sentence, tc := range map[string]struct {
		running       *appsv1.Deployment
		secret, image string
	}{
		"nothing":             {nil, "theirs", ""},
		"generated tokens":    {generated, "main-fleet-server", "ghcr.io/argus-dev/argus-fleet:v1"},
		"tokens of one's own": {own, "ours", "example.com/other:v2"},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := FleetTokenSecret(FleetAsRun(wanted, tc.running)); got != tc.secret {
				t.Errorf("tokens of %q, want %q", got, tc.secret)
			}
			if got := RunningFleetImage(tc.running); got != tc.image {
				t.Errorf("image %q, want %q", got, tc.image)
			}
		})
	}
}
