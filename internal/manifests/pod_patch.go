package manifests

import (
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

const fieldPatch = fieldPod + ".patch"

// patch applies a strategic-merge patch to a pod template.
func patch(template *corev1.PodTemplateSpec, raw []byte) error {
	if err := checkPatch(raw); err != nil {
		return err
	}
	before, err := json.Marshal(template)
	if err != nil {
		return invalidPod(fieldPatch, err.Error())
	}
	after, err := strategicpatch.StrategicMergePatch(before, raw, corev1.PodTemplateSpec{})
	if err != nil {
		return invalidPod(fieldPatch, err.Error()+": write it as a strategic-merge patch of a pod template")
	}
	*template = corev1.PodTemplateSpec{}
	if err := json.Unmarshal(after, template); err != nil {
		return invalidPod(fieldPatch, err.Error()+": write it as a strategic-merge patch of a pod template")
	}
	if len(template.Spec.EphemeralContainers) > 0 {
		return invalidPod(fieldPatch+".spec.ephemeralContainers", "a pod template has none: use sidecars")
	}
	return nil
}

// checkPatch reads a patch as a pod template, apart from its directives ($patch and
// the like), so that a misspelt field is refused.
func checkPatch(raw []byte) error {
	var plain map[string]any
	if err := json.Unmarshal(raw, &plain); err != nil {
		return invalidPod(fieldPatch, err.Error()+": write it as a strategic-merge patch of a pod template")
	}
	dropDirectives(plain)
	stripped, err := json.Marshal(plain)
	if err != nil {
		return invalidPod(fieldPatch, err.Error())
	}
	return decodeStrictly(fieldPatch, stripped, &corev1.PodTemplateSpec{})
}

func dropDirectives(value any) {
	switch node := value.(type) {
	case map[string]any:
		for key, child := range node {
			if strings.HasPrefix(key, "$") {
				delete(node, key)
				continue
			}
			dropDirectives(child)
		}
	case []any:
		for _, child := range node {
			dropDirectives(child)
		}
	}
}
