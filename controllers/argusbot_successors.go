package controllers

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"github.com/argus-dev/argus-operator/internal/manifests"
)

// outdatedPods of a cluster make way for one of the revision.
type outdatedPods struct {
	revision string
	uids     []types.UID
}

// successors are a cluster's pods without those that make way for the revision that it is
// to have: pods are watched apart from Deployments, so that one which is known to run the
// new revision may still be seen with its old pod alone. An operator that takes over
// knows of none that make way.
func (s *botScope) successors(cluster *clusterScope) []corev1.Pod {
	outdated := s.memory.outdated[cluster.key]
	if len(outdated.uids) == 0 || outdated.revision != cluster.revision {
		return cluster.pods
	}
	return slices.DeleteFunc(slices.Clone(cluster.pods), func(pod corev1.Pod) bool { return slices.Contains(outdated.uids, pod.UID) })
}

// revised notes which pods of a cluster make way for what was written, if any do.
func (m *memory) revised(cluster *clusterScope, before, live *appsv1.Deployment) {
	if !replacesPods(before, live) {
		return
	}
	if m.outdated == nil {
		m.outdated = map[string]outdatedPods{}
	}
	outdated, written := outdatedPods{revision: manifests.RevisionOf(live)}, lastWritten(live)
	for i := range cluster.pods {
		// What stood before may have been read late, and the pod be of what stands.
		if pod := &cluster.pods[i]; pod.CreationTimestamp.Time.Before(written) {
			outdated.uids = append(outdated.uids, pod.UID)
		}
	}
	m.outdated[cluster.key] = outdated
}

// replacesPods tells whether a Deployment was made another revision that has other pods.
// One can be the same to Kubernetes, as when the spec names what was the default. What was
// changed by hand and put right keeps its revision, and maybe its pod.
func replacesPods(before, live *appsv1.Deployment) bool {
	return manifests.RevisionOf(before) != manifests.RevisionOf(live) && !equality.Semantic.DeepEqual(before.Spec.Template, live.Spec.Template)
}
