//go:build apiserver

package apiserver

import (
	"fmt"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/argus-dev/argus-operator/internal/manifests"
)

// The kinds that a cluster may lack, as far as the operator uses them: with the
// defaults that the true ones put into lists, which must not look like changes.

func routeCRD() *apiextensionsv1.CustomResourceDefinition {
	text := apiextensionsv1.JSONSchemaProps{Type: "string"}
	number := apiextensionsv1.JSONSchemaProps{Type: "integer", Format: "int32"}
	withDefault := func(base apiextensionsv1.JSONSchemaProps, value string) apiextensionsv1.JSONSchemaProps {
		base.Default = &apiextensionsv1.JSON{Raw: []byte(value)}
		return base
	}
	reference := func(more map[string]apiextensionsv1.JSONSchemaProps) apiextensionsv1.JSONSchemaProps {
		more["name"], more["namespace"] = text, text
		return object(more)
	}
	spec := object(map[string]apiextensionsv1.JSONSchemaProps{
		"parentRefs": list(reference(map[string]apiextensionsv1.JSONSchemaProps{
			"group": withDefault(text, `"gateway.networking.k8s.io"`), "kind": withDefault(text, `"Gateway"`), "sectionName": text,
		})),
		"hostnames": list(text),
		"rules": list(object(map[string]apiextensionsv1.JSONSchemaProps{
			"matches": list(object(map[string]apiextensionsv1.JSONSchemaProps{
				"path": object(map[string]apiextensionsv1.JSONSchemaProps{"type": withDefault(text, `"PathPrefix"`), "value": withDefault(text, `"/"`)}),
			})),
			"backendRefs": list(reference(map[string]apiextensionsv1.JSONSchemaProps{
				"group": withDefault(text, `""`), "kind": withDefault(text, `"Service"`), "port": number, "weight": withDefault(number, `1`),
			})),
		})),
	})
	return crdOf(manifests.GVKHTTPRoute(), "httproutes", spec)
}

func monitorCRDs() []*apiextensionsv1.CustomResourceDefinition {
	anything := apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)}
	return []*apiextensionsv1.CustomResourceDefinition{
		crdOf(manifests.GVKServiceMonitor(), "servicemonitors", anything),
		crdOf(manifests.GVKPodMonitor(), "podmonitors", anything),
		crdOf(manifests.GVKPrometheusRule(), "prometheusrules", anything),
	}
}

func object(properties map[string]apiextensionsv1.JSONSchemaProps) apiextensionsv1.JSONSchemaProps {
	return apiextensionsv1.JSONSchemaProps{Type: "object", Properties: properties}
}

func list(items apiextensionsv1.JSONSchemaProps) apiextensionsv1.JSONSchemaProps {
	return apiextensionsv1.JSONSchemaProps{Type: "array", Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &items}}
}

func crdOf(gvk schema.GroupVersionKind, plural string, spec apiextensionsv1.JSONSchemaProps) *apiextensionsv1.CustomResourceDefinition {
	status := apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)}
	whole := object(map[string]apiextensionsv1.JSONSchemaProps{"spec": spec, "status": status})
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{
			Name: plural + "." + gvk.Group,
			Annotations: map[string]string{
				"api-approved.kubernetes.io": "unapproved, a test's own copy", // the group is one of Kubernetes' own
			},
		},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: gvk.Group, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: plural, Kind: gvk.Kind},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: gvk.Version, Served: true, Storage: true,
				Schema:       &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &whole},
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
			}},
		},
	}
}

func install(t *testing.T, crds ...*apiextensionsv1.CustomResourceDefinition) {
	t.Helper()
	if _, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{CRDs: crds}); err != nil {
		t.Fatal(err)
	}
}

// uninstall removes kinds with all their objects, and waits until they are gone.
func (w *world) uninstall(crds ...*apiextensionsv1.CustomResourceDefinition) {
	w.Helper()
	if err := envtest.UninstallCRDs(config, envtest.CRDInstallOptions{CRDs: crds}); err != nil {
		w.Fatal(err)
	}
	for _, crd := range crds {
		w.eventually(func() string {
			found := untyped(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
			if err := admin.Get(w.ctx, client.ObjectKeyFromObject(crd), found); !apierrors.IsNotFound(err) {
				return fmt.Sprintf("%s: %v", crd.Name, err)
			}
			return ""
		})
	}
}

func untyped(gvk schema.GroupVersionKind) *unstructured.Unstructured {
	found := &unstructured.Unstructured{}
	found.SetGroupVersionKind(gvk)
	return found
}
