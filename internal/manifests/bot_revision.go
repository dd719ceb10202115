package manifests

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

const (
	// annotationRevision on a Deployment names what its pods were built to be.
	annotationRevision = "argus.dev/revision"
	// annotationForm on a Deployment is the number of the form that its pods have.
	annotationForm = "argus.dev/template-revision"
)

// Form is one way in which the operator has built a bot's pods. A new build of the
// operator may bring a newer one; it never restarts a bot by itself.
type Form struct {
	// Revision numbers the forms: 1, 2, 3.
	Revision int32
	// Shape makes of a pod of the newest form one of this form; nil for the newest.
	Shape func(*corev1.PodTemplateSpec)
}

// Forms are those that this build can make: the last two at most, oldest first.
func Forms() []Form { return []Form{{Revision: 1}} }

// FormOf is the form that a Deployment's pods have, and 0 if it does not say.
func FormOf(deployment *appsv1.Deployment) int32 {
	number, err := strconv.ParseInt(deployment.Annotations[annotationForm], 10, 32)
	if err != nil {
		return 0
	}
	return int32(number)
}

// RevisionOf names what a Deployment's pods were built to be.
func RevisionOf(deployment *appsv1.Deployment) string {
	return deployment.Annotations[annotationRevision]
}

// revise gives a Deployment the names of its form and revision.
func revise(deployment *appsv1.Deployment, form Form) error {
	if form.Shape != nil {
		form.Shape(&deployment.Spec.Template)
	}
	revision, err := digest(deployment.Spec.Template)
	if err != nil {
		return err
	}
	deployment.Annotations = merge(deployment.Annotations, map[string]string{
		annotationRevision: revision, annotationForm: strconv.Itoa(int(form.Revision)),
	})
	return nil
}

// UpdateRevision names what all clusters of a bot are to be.
func UpdateRevision(deployments []*appsv1.Deployment) string {
	revisions := make([]string, 0, len(deployments))
	for _, deployment := range deployments {
		revisions = append(revisions, RevisionOf(deployment))
	}
	revision, err := digest(revisions)
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return revision
}

// digest is short, and changes with what it is of.
func digest(value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:5]), nil
}

// Stopped is a Deployment that asks for no pod.
func Stopped(deployment *appsv1.Deployment) *appsv1.Deployment {
	stopped := deployment.DeepCopy()
	stopped.Spec.Replicas = ptr.To[int32](0)
	return stopped
}

// AsksForPods tells whether a Deployment is meant to run.
func AsksForPods(deployment *appsv1.Deployment) bool {
	return ptr.Deref(deployment.Spec.Replicas, 1) > 0
}
