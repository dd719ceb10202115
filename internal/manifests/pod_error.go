package manifests

import "fmt"

// PodError says that spec.pod asks for a pod that is not to be.
type PodError struct {
	// Reason is v1alpha1.ReasonInvalidPod for what is no piece of a pod, or
	// v1alpha1.ReasonSecurityFloor for what would make the pod less safe.
	Reason string
	// Field within the CR, such as spec.pod.sidecars[0].securityContext.privileged.
	Field string
	// Message says what is wrong and what to do, without the field.
	Message string
}

func (e *PodError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Message) }
