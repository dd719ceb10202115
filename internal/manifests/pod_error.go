package manifests

import (
	"fmt"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// PodError says that a spec asks for a pod that is not to be.
type PodError struct {
	// Reason is v1alpha1.ReasonInvalidPod for what is no piece of a pod,
	// v1alpha1.ReasonSecurityFloor for what would make the pod less safe, or
	// v1alpha1.ReasonInvalidSpec for a setting that the pod's process could not use.
	Reason string
	// Field within the CR, such as spec.pod.sidecars[0].securityContext.privileged.
	Field string
	// Message says what is wrong and what to do, without the field.
	Message string
}

func (e *PodError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Message) }

func invalidPod(field, message string) error {
	return &PodError{Reason: v1alpha1.ReasonInvalidPod, Field: field, Message: message}
}

func belowFloor(field, message string) error {
	return &PodError{Reason: v1alpha1.ReasonSecurityFloor, Field: field, Message: message}
}
