//go:build apiserver

package apiserver

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// storageClass makes a class of its own for a test: the kind is cluster-wide.
func (w *world) storageClass(expandable bool) string {
	w.Helper()
	class := &storagev1.StorageClass{
		ObjectMeta:  metav1.ObjectMeta{GenerateName: "test-"},
		Provisioner: "example.com/none", AllowVolumeExpansion: &expandable,
	}
	if err := admin.Create(w.ctx, class); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = admin.Delete(w.ctx, class) })
	return class.Name
}

// bind plays the volume controller and, later, the resizer: the claim has a volume of a size.
func (w *world) bind(name, size string, conditions ...corev1.PersistentVolumeClaimCondition) {
	w.Helper()
	claim := &corev1.PersistentVolumeClaim{}
	w.eventually(func() string { return w.exists(name, claim) })
	if claim.Spec.VolumeName == "" {
		change(w, name, claim, func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeName = "pv-" + w.namespace })
	}
	before := claim.DeepCopy()
	claim.Status.Phase, claim.Status.AccessModes = corev1.ClaimBound, claim.Spec.AccessModes
	claim.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: *quantity(size)}
	claim.Status.Conditions = conditions
	if err := admin.Status().Patch(w.ctx, claim, client.MergeFrom(before)); err != nil {
		w.Fatal(err)
	}
}

func storage(size, class string) *v1alpha1.FleetStorage {
	return &v1alpha1.FleetStorage{Size: quantity(size), StorageClassName: &class}
}

func TestAClaimGrows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet := newFleet("main")
	fleet.Spec.Storage = storage("1Gi", w.storageClass(true))
	w.create(fleet)
	w.playKubelet("main-fleet", true)
	pending := w.waitCondition(fleet, v1alpha1.ConditionStorageBound, metav1.ConditionFalse, v1alpha1.ReasonClaimPending)
	if want := `waits for a volume of storage class "` + *fleet.Spec.Storage.StorageClassName + `"`; !strings.Contains(pending.Message, want) {
		t.Errorf("the message %q does not hold %q", pending.Message, want)
	}
	// Without a volume the API server lets no size change, and the rest goes on.
	grow(w, fleet, "2Gi")
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	w.quietly()

	w.bind("main-fleet-state", "1Gi")
	w.eventually(func() string {
		claim := get(w, "main-fleet-state", &corev1.PersistentVolumeClaim{})
		if size := claim.Spec.Resources.Requests[corev1.ResourceStorage]; size.String() != "2Gi" {
			return "the claim asks for " + size.String()
		}
		return ""
	})
	w.waitCondition(fleet, v1alpha1.ConditionStorageBound, metav1.ConditionTrue, v1alpha1.ReasonResizing)
	w.bind("main-fleet-state", "1Gi", corev1.PersistentVolumeClaimCondition{
		Type: corev1.PersistentVolumeClaimFileSystemResizePending, Status: corev1.ConditionTrue,
	})
	w.waitMessage(fleet, v1alpha1.ConditionStorageBound, `PersistentVolumeClaim "main-fleet-state" grows to 2Gi: `+
		"the file system follows when the node mounts the volume again; delete the control plane's pod if it stays so")
	w.bind("main-fleet-state", "2Gi")
	w.waitCondition(fleet, v1alpha1.ConditionStorageBound, metav1.ConditionTrue, v1alpha1.ReasonBound)
	if capacity := get(w, "main", fleet).Status.Storage.Capacity; capacity != "2Gi" {
		t.Errorf("the status shows a capacity of %s, want 2Gi", capacity)
	}
	w.quietly()
}

func grow(w *world, fleet *v1alpha1.ArgusFleet, size string) {
	w.Helper()
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) { f.Spec.Storage.Size = quantity(size) })
}

// A class that does not let volumes grow refuses the claim, and nothing else waits for it.
func TestAClassThatDoesNotGrowIsSaidOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet := newFleet("main")
	fleet.Spec.Storage = storage("1Gi", w.storageClass(false))
	w.create(fleet)
	w.playKubelet("main-fleet", true)
	w.bind("main-fleet-state", "1Gi")
	w.waitCondition(fleet, v1alpha1.ConditionStorageBound, metav1.ConditionTrue, v1alpha1.ReasonBound)
	change(w, "main", fleet, func(f *v1alpha1.ArgusFleet) {
		f.Spec.Storage.Size, f.Spec.Image = quantity("2Gi"), new("example.com/other:v2")
	})
	refused := w.waitCondition(fleet, v1alpha1.ConditionStorageBound, metav1.ConditionTrue, v1alpha1.ReasonResizeRefused)
	for _, words := range []string{"cannot grow to 2Gi", "storageclass that provisions the pvc must support resize", "let its storage class allow volume expansion"} {
		if !strings.Contains(refused.Message, words) {
			t.Errorf("the message %q does not hold %q", refused.Message, words)
		}
	}
	w.eventually(func() string {
		if image := imageOf(w, "main-fleet"); image != "example.com/other:v2" {
			return "the refused claim holds up the image, which is " + image
		}
		return ""
	})
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	w.quietly()
}

// A claim of one's own is used as it is: the operator neither makes nor changes it.
func TestAnExistingClaimIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet := newFleet("main")
	fleet.Spec.Storage = &v1alpha1.FleetStorage{ExistingClaimRef: &v1alpha1.LocalRef{Name: "mine"}}
	w.create(fleet)
	stalled := w.waitCondition(fleet, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonClaimMissing)
	if !strings.Contains(stalled.Message, `spec.storage.existingClaimRef: PersistentVolumeClaim "mine" does not exist`) {
		t.Errorf("the message is %q", stalled.Message)
	}
	w.waitCondition(fleet, v1alpha1.ConditionStorageBound, metav1.ConditionFalse, v1alpha1.ReasonClaimMissing)
	if w.exists("main-fleet", &appsv1.Deployment{}) == "" {
		t.Error("a pod without its claim was started")
	}
	w.poke(fleet)

	w.create(ownClaim("mine"))
	w.bind("mine", "7Gi")
	bound := get(w, "mine", &corev1.PersistentVolumeClaim{})
	w.playKubelet("main-fleet", true)
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	w.waitCondition(fleet, v1alpha1.ConditionStorageBound, metav1.ConditionTrue, v1alpha1.ReasonBound)
	if now := get(w, "mine", &corev1.PersistentVolumeClaim{}); now.ResourceVersion != bound.ResourceVersion {
		t.Error("the operator wrote to a claim that is not its own")
	}
	if w.exists("main-fleet-state", &corev1.PersistentVolumeClaim{}) == "" {
		t.Error("a claim was made beside the existing one")
	}
	for _, volume := range get(w, "main-fleet", &appsv1.Deployment{}).Spec.Template.Spec.Volumes {
		if volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ClaimName != "mine" {
			t.Errorf("the pod mounts %s", volume.PersistentVolumeClaim.ClaimName)
		}
	}
	w.quietly()
}

// ownClaim is a claim as a person might have made it.
func ownClaim(name string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}, StorageClassName: ptr.To("theirs"),
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: *quantity("7Gi")}},
		},
	}
}

// What keeps a claim from its volume is said as far as the API tells.
func TestAClaimThatCannotBindSaysWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fleet := newFleet("main")
	w.create(fleet)
	w.playKubelet("main-fleet", false)
	pod := podOf(w, "main-fleet")
	w.create(pod)
	pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable",
		Message: "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
	}}
	if err := admin.Status().Update(w.ctx, pod); err != nil {
		t.Fatal(err)
	}
	w.waitMessage(fleet, v1alpha1.ConditionStorageBound, `PersistentVolumeClaim "main-fleet-state" waits for a volume: `+
		"it names no storage class, and the cluster has given it no default one; "+
		"the pod cannot be scheduled: 0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")
	ready := w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPodTrouble)
	if !strings.Contains(ready.Message, "unbound immediate PersistentVolumeClaims") {
		t.Errorf("Ready says %q", ready.Message)
	}
	if modes := get(w, "main-fleet-state", &corev1.PersistentVolumeClaim{}).Spec.AccessModes; len(modes) != 1 || modes[0] != corev1.ReadWriteOncePod {
		t.Errorf("the claim's access modes are %v, want ReadWriteOncePod alone", modes)
	}
}
