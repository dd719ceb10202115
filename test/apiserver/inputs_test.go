//go:build apiserver

package apiserver

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

func tlsSecret(keys ...string) *corev1.Secret {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "cert"}, StringData: map[string]string{}}
	for _, key := range keys {
		secret.StringData[key] = "x"
	}
	return secret
}

// What the pod needs and somebody else makes is named with its field while it is
// missing. What runs is left as it is, and the rest of the spec is followed.
func TestAMissingInputIsNamedAndHoldsBackOnlyThePod(t *testing.T) {
	t.Parallel()
	analytics := &v1alpha1.FleetAnalytics{ClickHouseDSNSecretRef: v1alpha1.SecretKeyRef{Name: "clickhouse", Key: "dsn"}}
	prometheus := &v1alpha1.FleetPrometheus{URL: "https://prometheus.example.com", CARef: &v1alpha1.CARef{
		Kind: ptr.To(v1alpha1.CAInConfigMap), Name: "ca-bundle", Key: "ca.crt",
	}}
	for sentence, tc := range map[string]struct {
		prepare *corev1.Secret
		alter   func(*v1alpha1.ArgusFleetSpec)
		message string
	}{
		"no certificate": {
			alter: func(s *v1alpha1.ArgusFleetSpec) {
				s.TLS = &v1alpha1.FleetTLS{SecretRef: v1alpha1.LocalRef{Name: "cert"}}
			},
			message: `spec.tls.secretRef: Secret "cert" does not exist: create it with the key "tls.crt"`,
		},
		"a certificate without its authority": {
			prepare: tlsSecret("tls.crt", "tls.key"),
			alter: func(s *v1alpha1.ArgusFleetSpec) {
				s.TLS = &v1alpha1.FleetTLS{SecretRef: v1alpha1.LocalRef{Name: "cert"}}
			},
			message: `spec.tls.secretRef: Secret "cert" has no key "ca.crt", or it is empty: add it`,
		},
		"no DSN": {
			alter:   func(s *v1alpha1.ArgusFleetSpec) { s.Analytics = analytics },
			message: `spec.analytics.clickhouseDSNSecretRef: Secret "clickhouse" does not exist: create it with the key "dsn"`,
		},
		"no ConfigMap with the authority": {
			alter:   func(s *v1alpha1.ArgusFleetSpec) { s.Prometheus = prometheus },
			message: `spec.prometheus.caRef: ConfigMap "ca-bundle" does not exist: create it with the key "ca.crt"`,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			fleet := newFleet("main")
			w.create(fleet)
			if tc.prepare != nil {
				w.create(tc.prepare)
			}
			w.playKubelet("main-fleet", true)
			w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
			before := get(w, "main-fleet", &appsv1.Deployment{})
			change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) {
				tc.alter(&f.Spec)
				f.Spec.Service = &v1alpha1.FleetService{Annotations: map[string]string{"a": "b"}}
			})
			stalled := w.waitCondition(fleet, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonSecretMissing)
			if stalled.Message != tc.message {
				t.Errorf("message %q\n   want %q", stalled.Message, tc.message)
			}
			w.eventually(func() string {
				if get(w, "main-fleet", &corev1.Service{}).Annotations["a"] != "b" {
					return "the Service waits too"
				}
				return ""
			})
			if now := get(w, "main-fleet", &appsv1.Deployment{}); now.Generation != before.Generation {
				t.Error("the control plane was changed to one that cannot start")
			}
			w.poke(fleet)
		})
	}
}

func TestAnInputThatAppearsIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet := newFleet("main")
	fleet.Spec.TLS = &v1alpha1.FleetTLS{SecretRef: v1alpha1.LocalRef{Name: "cert"}}
	w.create(fleet)
	w.waitCondition(fleet, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonSecretMissing)
	if w.exists("main-fleet", &appsv1.Deployment{}) == "" {
		t.Error("a pod that cannot start was started")
	}
	w.create(tlsSecret("tls.crt", "tls.key", "ca.crt"))
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	if url := get(w, "main", fleet).Status.URL; !strings.HasPrefix(url, "https://main-fleet.") {
		t.Errorf("the URL is %s", url)
	}
	w.quietly()
}
