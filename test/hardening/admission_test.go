//go:build apiserver

package hardening

import (
	"context"
	"os"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	psa "k8s.io/pod-security-admission/api"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/go-logr/logr"

	"github.com/argus-dev/argus-operator/hack/kubernetes/cluster"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/test/desired"
)

// startAPIServer starts a real kube-apiserver, with what samples refer to.
func startAPIServer(t *testing.T) client.Client {
	t.Helper()
	ctrl.SetLogger(logr.Discard())
	binaries, err := cluster.Binaries(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	environment := &envtest.Environment{BinaryAssetsDirectory: binaries}
	config, err := environment.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := environment.Stop(); err != nil {
			t.Error(err)
		}
	})
	admin, err := client.New(config, client.Options{Scheme: clientgoscheme.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	create(t, admin, &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "important"}, Value: 1000})
	create(t, admin, &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: "gvisor"}, Handler: "runsc"})
	return admin
}

func create(t *testing.T, admin client.Client, object client.Object, options ...client.CreateOption) {
	t.Helper()
	if err := admin.Create(t.Context(), object, options...); err != nil {
		t.Errorf("%T %s: %v", object, object.GetName(), err)
	}
}

// Every object of every sample is admitted by a namespace that enforces the restricted
// standard, its pods too; and having been applied, it stands as it was built: nothing
// that the API server fills in looks like a difference.
func TestEverySampleIsAdmittedAndStands(t *testing.T) {
	admin := startAPIServer(t)
	for name, file := range desired.Files(t, root) {
		t.Run(name, func(t *testing.T) {
			namespace := strings.TrimSuffix(name, ".yaml")
			create(t, admin, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
				Name: namespace, Labels: map[string]string{psa.EnforceLevelLabel: string(psa.LevelRestricted)},
			}})
			create(t, admin, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "our-account", Namespace: namespace}})
			applier := apply.New(admin, admin, func(string, string) {})
			for _, object := range desired.Objects(t, file, desired.Options()) {
				if _, optional := object.(*unstructured.Unstructured); optional {
					continue // this API server has no such kind
				}
				object.SetNamespace(namespace)
				stands(t, applier, object)
				if deployment, ok := object.(*appsv1.Deployment); ok {
					admits(t, admin, deployment)
				}
			}
		})
	}
}

// stands applies an object twice, in both ways that an operator does, and expects the
// last time to have nothing to do.
func stands(t *testing.T, applier *apply.Applier, object client.Object) {
	t.Helper()
	ours := func(metav1.Object) bool { return true }
	ctx := context.WithoutCancel(t.Context())
	if _, err := apply.Apply(ctx, applier, ours, object); err != nil {
		t.Errorf("%v", err)
		return
	}
	labels := object.GetLabels()
	labels["example.com/changed"] = "yes" // so that it is applied after it was created
	object.SetLabels(labels)
	if _, err := apply.Apply(ctx, applier, ours, object); err != nil {
		t.Errorf("%v", err)
		return
	}
	found, err := apply.Check(ctx, applier, ours, object)
	if err != nil || !found.Stands {
		t.Errorf("%T %s would be written for ever (%v)", object, object.GetName(), err)
	}
}

// admits sends the pod that a Deployment's controller would make.
func admits(t *testing.T, admin client.Client, deployment *appsv1.Deployment) {
	t.Helper()
	template := deployment.Spec.Template
	create(t, admin, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: deployment.Name, Namespace: deployment.Namespace, Labels: template.Labels, Annotations: template.Annotations,
		},
		Spec: template.Spec,
	}, client.DryRunAll)
}
