package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A pod in the cache is its name, its labels and its status: the rest is most of its bytes.
func TestWhatIsCachedOfAPod(t *testing.T) {
	meta := metav1.ObjectMeta{
		Namespace: "bots", Name: "mybot-bot-0-x", UID: "uid", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"},
	}
	pod := &corev1.Pod{ObjectMeta: *meta.DeepCopy(), Spec: corev1.PodSpec{NodeName: "node"}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
	pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet"}}
	var transform func(any) (any, error)
	for object, one := range CacheOptions(nil).ByObject {
		if _, ok := object.(*corev1.Pod); ok {
			transform = one.Transform
		}
	}
	cached, err := transform(pod)
	if err != nil {
		t.Fatal(err)
	}
	want := &corev1.Pod{ObjectMeta: meta, Status: pod.Status}
	if diff := cmp.Diff(client.Object(want), cached.(client.Object)); diff != "" {
		t.Errorf("the cached pod (-want +got):\n%s", diff)
	}
	if other, err := transform("a tombstone"); err != nil || other != "a tombstone" {
		t.Errorf("what is no pod becomes %v, %v", other, err)
	}
}
