package manifests

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// floor is how safe a pod is at the least, whatever spec.pod asks for: what the
// restricted Pod Security Standard demands, and what we demand beyond it.
type floor struct {
	own ownPod
	// token: spec.pod asks for the ServiceAccount's token in the pod.
	token bool
}

// newFloor looks at the template before anything of the user's is in it.
func newFloor(template *corev1.PodTemplateSpec, pod v1alpha1.Pod) floor {
	return floor{own: ownPodOf(template, pod), token: or(wantedAccount(&pod).AutomountToken, false)}
}

// check refuses a template below the floor, with the field of the CR that put it
// there. The error is a *PodError.
func (f floor) check(template *corev1.PodTemplateSpec, from origins) error {
	if err := f.own.check(template, from); err != nil {
		return err
	}
	if err := checkRestricted(template, from); err != nil {
		return err
	}
	if err := f.checkPod(&template.Spec, from); err != nil {
		return err
	}
	for i := range template.Spec.InitContainers {
		container := &template.Spec.InitContainers[i]
		if err := checkProcess(container.SecurityContext, from.container("initContainers", container.Name)); err != nil {
			return err
		}
	}
	for i := range template.Spec.Containers {
		container := &template.Spec.Containers[i]
		if err := checkProcess(container.SecurityContext, from.container("containers", container.Name)); err != nil {
			return err
		}
	}
	return nil
}

func (f floor) checkPod(spec *corev1.PodSpec, from origins) error {
	security, field := spec.SecurityContext, from.pod+".securityContext"
	for _, id := range []struct {
		name  string
		value *int64
	}{{"runAsUser", security.RunAsUser}, {"runAsGroup", security.RunAsGroup}, {"fsGroup", security.FSGroup}} {
		if *id.value != userID {
			return notOurs(field+"."+id.name, id.name)
		}
	}
	switch {
	case slices.Contains(security.SupplementalGroups, 0):
		return belowFloor(field+".supplementalGroups", "the group 0 owns the system's files: leave it out")
	case spec.OS != nil && spec.OS.Name != corev1.Linux:
		return belowFloor(from.pod+".os", "the pods run on Linux: leave it out")
	case *spec.AutomountServiceAccountToken && !f.token:
		return belowFloor(from.pod+".automountServiceAccountToken", "set spec.pod.serviceAccount.automountToken instead")
	}
	for i := range spec.Volumes {
		if volume := &spec.Volumes[i]; holdsToken(volume) && !f.token {
			return belowFloor(from.volume(volume.Name)+".projected.sources",
				"a ServiceAccount's token comes into the pod only with spec.pod.serviceAccount.automountToken: true: set that too")
		}
	}
	return nil
}

// checkProcess refuses a container that would run as somebody else, or write to its image.
func checkProcess(security *corev1.SecurityContext, field string) error {
	field += ".securityContext"
	switch {
	case !*security.ReadOnlyRootFilesystem:
		return belowFloor(field+".readOnlyRootFilesystem",
			"the root filesystem is read-only: leave this out, and mount an emptyDir where the process writes")
	case or(security.RunAsUser, userID) != userID:
		return notOurs(field+".runAsUser", "runAsUser")
	case or(security.RunAsGroup, userID) != userID:
		return notOurs(field+".runAsGroup", "runAsGroup")
	}
	return nil
}

func notOurs(field, name string) error {
	return belowFloor(field, fmt.Sprintf("%s is %d in every container: leave this out, and build the image so that it runs as that", name, userID))
}

func holdsToken(volume *corev1.Volume) bool {
	return volume.Projected != nil && slices.ContainsFunc(volume.Projected.Sources, func(source corev1.VolumeProjection) bool {
		return source.ServiceAccountToken != nil
	})
}
