package apply

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// What was created is known to be as desired; what somebody has changed on its way, as
// an admission webhook does, is not taken for it.
func TestWhatWasCreatedIsRemembered(t *testing.T) {
	owner := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{UID: "owner"}}
	desired := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "bots", Name: "mybot", OwnerReferences: []metav1.OwnerReference{{UID: owner.UID, Controller: ptr.To(true)}},
		},
		Spec: corev1.ServiceSpec{ClusterIP: "None"},
	}
	for sentence, tc := range map[string]struct {
		webhook func(*corev1.Service)
		want    bool
	}{
		"as it was sent": {func(*corev1.Service) {}, true},
		"more than that": {func(s *corev1.Service) { s.Spec.SessionAffinity = corev1.ServiceAffinityNone }, true},
		"changed":        {func(s *corev1.Service) { s.Spec.ClusterIP = "10.0.0.1" }, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			server := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithInterceptorFuncs(interceptor.Funcs{
				Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
					tc.webhook(object.(*corev1.Service))
					return c.Create(ctx, object, options...)
				},
			}).Build()
			a := New(server, server, func(string, string) {})
			created, err := Apply(t.Context(), a, ControlledBy(owner), desired)
			if err != nil {
				t.Fatal(err)
			}
			asked, err := question(desired)
			if err != nil {
				t.Fatal(err)
			}
			if got := a.verdicts.stands(created, desired, asked, time.Now()); got != tc.want {
				t.Errorf("it is known to be as desired: %v, want %v", got, tc.want)
			}
			found, err := Check(t.Context(), a, ControlledBy(owner), desired)
			if err != nil || found.Stands != tc.want {
				t.Errorf("it stands: %v (%v), want %v", found.Stands, err, tc.want)
			}
		})
	}
}
