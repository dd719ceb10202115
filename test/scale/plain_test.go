//go:build scale

package scale

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// record takes down what the operator has made of the bots, and their Secrets, so that
// a client without an operator can make the same. A set is what belongs to one bot; the
// Deployments come last in it.
func (s *stage) record(bots [][]client.Object) [][]client.Object {
	s.Helper()
	sets := make([][]client.Object, len(bots))
	place := map[string]int{}
	for i := range bots {
		secret := bots[i][0].(*corev1.Secret)
		sets[i] = append(sets[i], &corev1.Secret{ObjectMeta: plainMeta(secret), Data: secret.Data, StringData: secret.StringData})
		place[bots[i][1].GetName()] = i
	}
	ledgers := 0
	for _, list := range []client.ObjectList{
		&corev1.ServiceAccountList{}, &networkingv1.NetworkPolicyList{}, &corev1.ConfigMapList{}, &appsv1.DeploymentList{},
	} {
		s.must(s.api.List(s.ctx, list, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}))
		s.must(meta.EachListItem(list, func(item runtime.Object) error {
			object := plain(item.(client.Object))
			i, ok := place[object.GetLabels()[v1alpha1.LabelBot]]
			if _, ledger := object.(*corev1.ConfigMap); ledger {
				i, ok, ledgers = ledgers%len(sets), true, ledgers+1
			}
			if ok { // and not the control plane's
				sets[i] = append(sets[i], object)
			}
			return nil
		}))
	}
	return sets
}

// plain is an object as somebody would write it who has no operator.
func plain(object client.Object) client.Object {
	switch o := object.(type) {
	case *corev1.ServiceAccount:
		return &corev1.ServiceAccount{ObjectMeta: plainMeta(o), AutomountServiceAccountToken: o.AutomountServiceAccountToken}
	case *networkingv1.NetworkPolicy:
		return &networkingv1.NetworkPolicy{ObjectMeta: plainMeta(o), Spec: o.Spec}
	case *corev1.ConfigMap:
		return &corev1.ConfigMap{ObjectMeta: plainMeta(o), Data: o.Data}
	case *appsv1.Deployment:
		return &appsv1.Deployment{ObjectMeta: plainMeta(o), Spec: o.Spec}
	}
	return object
}

func plainMeta(object client.Object) metav1.ObjectMeta {
	annotations := map[string]string{}
	for name, value := range object.GetAnnotations() {
		if name != "deployment.kubernetes.io/revision" { // the deployment controller's
			annotations[name] = value
		}
	}
	return metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName(), Labels: object.GetLabels(), Annotations: annotations}
}
