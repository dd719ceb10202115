package manifests

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/json"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// extend adds the user's volumes, mounts and containers, and tells which field of the
// CR each came from.
func extend(template *corev1.PodTemplateSpec, pod v1alpha1.Pod, own ownPod) (origins, error) {
	spec := &template.Spec
	from := origins{
		pod: fieldPod, annotations: fieldPod + ".annotations", labels: fieldPod + ".labels",
		volumes:    map[string]string{},
		containers: map[string]string{own.container.Name: fieldPod},
	}
	var err error
	if spec.Volumes, err = addVolumes(spec.Volumes, pod.Volumes, from.volumes); err != nil {
		return from, err
	}
	main := &spec.Containers[0]
	for i, mount := range pod.VolumeMounts {
		if err := own.checkMount(fmt.Sprintf("%s.volumeMounts[%d].mountPath", fieldPod, i), mount.MountPath); err != nil {
			return from, err
		}
	}
	main.VolumeMounts = append(main.VolumeMounts, pod.VolumeMounts...)
	if spec.InitContainers, err = addContainers(spec.InitContainers, pod.InitContainers, "initContainers", from.containers); err != nil {
		return from, err
	}
	spec.Containers, err = addContainers(spec.Containers, pod.Sidecars, "sidecars", from.containers)
	return from, err
}

func addVolumes(volumes []corev1.Volume, fragments []v1alpha1.Fragment, from map[string]string) ([]corev1.Volume, error) {
	for i := range fragments {
		field := fmt.Sprintf("%s.volumes[%d]", fieldPod, i)
		var volume corev1.Volume
		if err := decodeStrictly(field, fragments[i].Raw, &volume); err != nil {
			return nil, err
		}
		if volume.Name == "" {
			return nil, invalidPod(field+".name", "a volume needs a name: give it one")
		}
		if slices.ContainsFunc(volumes, func(other corev1.Volume) bool { return other.Name == volume.Name }) {
			return nil, invalidPod(field+".name", fmt.Sprintf("there is a volume %q already: choose another name", volume.Name))
		}
		volumes, from[volume.Name] = append(volumes, volume), field
	}
	return volumes, nil
}

// addContainers adds what init containers or sidecars are given, each with requests
// and limits: a quota of the namespace would refuse the pod without.
func addContainers(containers []corev1.Container, fragments []v1alpha1.Fragment, kind string, from map[string]string) ([]corev1.Container, error) {
	for i := range fragments {
		field := fmt.Sprintf("%s.%s[%d]", fieldPod, kind, i)
		var container corev1.Container
		if err := decodeStrictly(field, fragments[i].Raw, &container); err != nil {
			return nil, err
		}
		switch _, taken := from[container.Name]; {
		case container.Name == "":
			return nil, invalidPod(field+".name", "a container needs a name: give it one")
		case container.Image == "":
			return nil, invalidPod(field+".image", "a container needs an image: name one")
		case taken:
			return nil, invalidPod(field+".name", fmt.Sprintf("there is a container %q already: choose another name", container.Name))
		}
		claims := container.Resources.Claims
		container.Resources = overlayResources(sidecarResources(), v1alpha1.Resources{Limits: container.Resources.Limits, Requests: container.Resources.Requests})
		container.Resources.Claims = claims
		containers, from[container.Name] = append(containers, container), field
	}
	return containers, nil
}

// decodeStrictly reads a piece of a pod. A field that a pod does not have is refused
// with its path, because it would be dropped in silence otherwise.
func decodeStrictly(field string, raw []byte, into any) error {
	if len(raw) == 0 {
		raw = []byte("{}")
	}
	if err := checkNumbers(field, raw); err != nil {
		return err
	}
	strict, err := json.UnmarshalStrict(raw, into)
	if err != nil {
		return invalidPod(field, strings.TrimPrefix(err.Error(), "json: ")+": write it as a pod has it")
	}
	if len(strict) == 0 {
		return nil
	}
	if at, ok := errors.AsType[json.FieldError](strict[0]); ok {
		return invalidPod(field+"."+at.FieldPath(), "a pod has no such field, or it is there twice: correct or remove it")
	}
	return invalidPod(field, strict[0].Error()+": write it as a pod has it")
}

// under tells whether a path is a directory or lies in it.
func under(dir, name string) bool {
	name = path.Clean("/" + name)
	return name == dir || strings.HasPrefix(name, dir+"/")
}
