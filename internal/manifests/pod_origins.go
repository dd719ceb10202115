package manifests

import "fmt"

const fieldPod = "spec.pod"

// origins say which field of a CR the parts of a pod template come from.
type origins struct {
	// pod is the field for what is the whole pod's.
	pod, annotations, labels string
	// volumes and containers by name; what is in neither is named after its place in the pod.
	volumes, containers map[string]string
}

// inPatch blames the patch for everything: without it the template was as it should be.
func inPatch() origins {
	return origins{
		pod: fieldPatch + ".spec", annotations: fieldPatch + ".metadata.annotations", labels: fieldPatch + ".metadata.labels",
	}
}

func (o origins) volume(name string) string { return o.find(o.volumes, "volumes", name) }

// container of a kind, which is containers or initContainers.
func (o origins) container(kind, name string) string { return o.find(o.containers, kind, name) }

func (o origins) find(known map[string]string, kind, name string) string {
	if field, ok := known[name]; ok {
		return field
	}
	return fmt.Sprintf("%s.%s[%s]", o.pod, kind, name)
}
