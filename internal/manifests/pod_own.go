package manifests

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// ownPod is what a builder has put into a pod template, and what must come out of
// spec.pod as it was: the rest of the system relies on it.
type ownPod struct {
	labels, annotations map[string]string
	account             string
	volumes             []corev1.Volume
	container           corev1.Container
}

func ownPodOf(template *corev1.PodTemplateSpec, pod v1alpha1.Pod) ownPod {
	template = template.DeepCopy()
	return ownPod{
		labels:      template.Labels,
		annotations: template.Annotations,
		account:     or(wantedAccount(&pod).Name, template.Spec.ServiceAccountName),
		volumes:     template.Spec.Volumes,
		container:   template.Spec.Containers[0],
	}
}

// check refuses a template in which something of ours is gone, changed or overridden.
func (o ownPod) check(template *corev1.PodTemplateSpec, from origins) error {
	for key, value := range o.labels {
		if template.Labels[key] != value {
			return ours(fmt.Sprintf("%s[%s]", from.labels, key))
		}
	}
	for key, value := range o.annotations {
		if template.Annotations[key] != value {
			return ours(fmt.Sprintf("%s[%s]", from.annotations, key))
		}
	}
	if template.Spec.ServiceAccountName != o.account {
		return ours(from.pod + ".serviceAccountName")
	}
	for i := range o.volumes {
		if !equality.Semantic.DeepEqual(named(template.Spec.Volumes, o.volumes[i].Name, volumeName), o.volumes[i:i+1]) {
			return ours(from.volume(o.volumes[i].Name))
		}
	}
	field := from.container("containers", o.container.Name)
	found := named(template.Spec.Containers, o.container.Name, containerName)
	if len(found) != 1 {
		return ours(field)
	}
	return o.checkContainer(&found[0], field)
}

func (o ownPod) checkContainer(container *corev1.Container, field string) error {
	if container.Image != o.container.Image {
		return belowFloor(field+".image", "the image is that of spec.image: set it there")
	}
	for i, variable := range o.container.Env {
		if !equality.Semantic.DeepEqual(named(container.Env, variable.Name, envName), o.container.Env[i:i+1]) {
			return ours(fmt.Sprintf("%s.env[%s]", field, variable.Name))
		}
	}
	for i, port := range o.container.Ports {
		if !equality.Semantic.DeepEqual(named(container.Ports, port.Name, portNameOf), o.container.Ports[i:i+1]) {
			return ours(fmt.Sprintf("%s.ports[%s]", field, port.Name))
		}
	}
	for i, mount := range o.container.VolumeMounts {
		if !equality.Semantic.DeepEqual(named(container.VolumeMounts, mount.MountPath, mountPath), o.container.VolumeMounts[i:i+1]) {
			return ours(fmt.Sprintf("%s.volumeMounts[%s]", field, mount.MountPath))
		}
	}
	return o.checkAdded(container, field)
}

// checkAdded refuses what was added to our container and would override ours.
func (o ownPod) checkAdded(container *corev1.Container, field string) error {
	for _, variable := range container.Env {
		if len(named(o.container.Env, twin(variable.Name), envName)) > 0 {
			return ours(fmt.Sprintf("%s.env[%s]", field, variable.Name))
		}
	}
	for _, mount := range container.VolumeMounts {
		if len(named(o.container.VolumeMounts, mount.MountPath, mountPath)) > 0 {
			continue
		}
		if err := o.checkMount(fmt.Sprintf("%s.volumeMounts[%s]", field, mount.MountPath), mount.MountPath); err != nil {
			return err
		}
	}
	return nil
}

// twin is the other variable by which a process may get the same secret: it reads
// NAME before the file that NAME_FILE names.
func twin(name string) string {
	if plain, ok := strings.CutSuffix(name, fleetapi.FileSuffix); ok {
		return plain
	}
	return name + fleetapi.FileSuffix
}

// checkMount refuses a mount of the user's that would hide one of ours.
func (o ownPod) checkMount(field, at string) error {
	dirs := []string{secretsDir}
	for _, mount := range o.container.VolumeMounts {
		dirs = append(dirs, mount.MountPath)
	}
	for _, dir := range dirs {
		if under(dir, at) {
			return belowFloor(field, fmt.Sprintf("the operator mounts something of its own at %s: choose a path outside of it", dir))
		}
	}
	return nil
}

func ours(field string) error {
	return belowFloor(field, "the operator sets this itself and relies on it: leave it out")
}

// named picks the items of a list that have a name.
func named[T any](items []T, name string, nameOf func(*T) string) []T {
	var found []T
	for i := range items {
		if nameOf(&items[i]) == name {
			found = append(found, items[i])
		}
	}
	return found
}

func volumeName(v *corev1.Volume) string         { return v.Name }
func containerName(c *corev1.Container) string   { return c.Name }
func envName(e *corev1.EnvVar) string            { return e.Name }
func portNameOf(p *corev1.ContainerPort) string  { return p.Name }
func mountPath(mount *corev1.VolumeMount) string { return mount.MountPath }
