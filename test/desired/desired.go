// Package desired builds, without a cluster, the objects that files of custom
// resources stand for, as the operator would make them.
package desired

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// Namespace is where a file's objects go that name none.
const Namespace = "bots"

// unborn is the UID of what no API server has seen: an owner needs one.
const unborn = types.UID("33333333-3333-3333-3333-333333333333")

// Options are those of an operator that was installed from config/ and told nothing.
func Options() manifests.Options {
	return manifests.Options{
		FleetImage:        "ghcr.io/argus-dev/argus-fleet:v0.1.0",
		OperatorNamespace: "argus-system",
		OperatorLabels:    map[string]string{"app.kubernetes.io/name": "argus-operator", "app.kubernetes.io/instance": "argus-operator"},
	}
}

// Files of custom resources by their base name: the samples, and those whose objects
// the golden files show. root is the way to the module's root.
func Files(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"config/samples/*.yaml", "internal/manifests/testdata/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no file is a %s (%v)", pattern, err)
		}
		for _, file := range files {
			found[filepath.Base(file)] = file
		}
	}
	return found
}

// Objects that a file of custom resources stands for, in a fixed order. Bots join the
// ArgusFleet of the file that they name, or an empty one of that name.
func Objects(t *testing.T, file string, options manifests.Options) []client.Object {
	t.Helper()
	var fleets []*v1alpha1.ArgusFleet
	var bots []*v1alpha1.ArgusBot
	for _, document := range Documents(t, file) {
		switch document.GetKind() {
		case v1alpha1.KindArgusFleet:
			fleets = append(fleets, as[v1alpha1.ArgusFleet](t, document))
		case v1alpha1.KindArgusBot:
			bots = append(bots, as[v1alpha1.ArgusBot](t, document))
		}
	}
	var objects []client.Object
	for _, fleet := range fleets {
		objects = append(objects, ofFleet(t, fleet, options)...)
	}
	for _, bot := range bots {
		objects = append(objects, ofBot(t, bot, fleets, options)...)
	}
	if len(objects) == 0 {
		t.Fatalf("%s stands for nothing", file)
	}
	return objects
}

func ofFleet(t *testing.T, fleet *v1alpha1.ArgusFleet, options manifests.Options) []client.Object {
	t.Helper()
	deployment, err := manifests.FleetDeployment(fleet, options)
	if err != nil {
		t.Fatal(err)
	}
	return present(
		manifests.FleetServiceAccount(fleet), manifests.FleetNetworkPolicy(fleet, options), manifests.FleetService(fleet),
		manifests.FleetClaim(fleet, nil), deployment, manifests.FleetIngress(fleet), manifests.FleetHTTPRoute(fleet),
		manifests.FleetServiceMonitor(fleet), manifests.FleetPrometheusRule(fleet),
	)
}

func ofBot(t *testing.T, bot *v1alpha1.ArgusBot, fleets []*v1alpha1.ArgusFleet, options manifests.Options) []client.Object {
	t.Helper()
	target := targetOf(t, bot, fleets)
	objects := present(
		manifests.BotServiceAccount(bot), manifests.BotNetworkPolicy(bot, target, options),
		manifests.BotPodMonitor(bot), manifests.BotPrometheusRule(bot, target),
	)
	for _, claim := range manifests.BotClaims(bot) {
		objects = append(objects, claim)
	}
	deployments, err := manifests.BotDeployments(bot, target, "", manifests.Forms()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, deployment := range deployments {
		objects = append(objects, deployment)
	}
	return objects
}

func targetOf(t *testing.T, bot *v1alpha1.ArgusBot, fleets []*v1alpha1.ArgusFleet) *manifests.FleetTarget {
	t.Helper()
	switch wanted := bot.Spec.Fleet; {
	case wanted == nil:
		return nil
	case wanted.External != nil:
		target, err := manifests.ExternalTarget(wanted.External)
		if err != nil {
			t.Fatal(err)
		}
		return target
	default:
		named := &v1alpha1.ArgusFleet{}
		named.Name, named.Namespace = wanted.Ref.Name, bot.Namespace
		for _, fleet := range fleets {
			if fleet.Name == named.Name && fleet.Namespace == named.Namespace {
				named = fleet
			}
		}
		return manifests.TargetOf(named)
	}
}

// Documents of a YAML file, each in the Namespace where it names none, and with a UID.
func Documents(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	var documents []*unstructured.Unstructured
	for {
		document := &unstructured.Unstructured{}
		err := decoder.Decode(&document.Object)
		switch {
		case errors.Is(err, io.EOF):
			return documents
		case err != nil:
			t.Fatalf("%s: %v", file, err)
		case len(document.Object) == 0:
			continue
		}
		if document.GetNamespace() == "" {
			document.SetNamespace(Namespace)
		}
		if document.GetUID() == "" {
			document.SetUID(unborn)
		}
		documents = append(documents, document)
	}
}

// Deployments among objects.
func Deployments(objects []client.Object) []*appsv1.Deployment {
	var found []*appsv1.Deployment
	for _, object := range objects {
		if deployment, ok := object.(*appsv1.Deployment); ok {
			found = append(found, deployment)
		}
	}
	return found
}

// YAML of objects, as kubectl would take them.
func YAML(t *testing.T, objects []client.Object) []byte {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, object := range objects {
		gvk, err := apiutil.GVKForObject(object, scheme)
		if err != nil {
			t.Fatal(err)
		}
		object.GetObjectKind().SetGroupVersionKind(gvk)
		text, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "---\n%s", text)
	}
	return out.Bytes()
}

// Operator is the installed operator's own Deployment.
func Operator(t *testing.T, root string) *appsv1.Deployment {
	t.Helper()
	return find[appsv1.Deployment](t, filepath.Join(root, "config/manager/manager.yaml"), "Deployment")
}

// OperatorNamespace is the namespace that the operator is installed into.
func OperatorNamespace(t *testing.T, root string) *corev1.Namespace {
	t.Helper()
	return find[corev1.Namespace](t, filepath.Join(root, "config/manager/namespace.yaml"), "Namespace")
}

func find[T any](t *testing.T, file, kind string) *T {
	t.Helper()
	for _, document := range Documents(t, file) {
		if document.GetKind() == kind {
			return as[T](t, document)
		}
	}
	t.Fatalf("%s holds no %s", file, kind)
	return nil
}

func as[T any](t *testing.T, document *unstructured.Unstructured) *T {
	t.Helper()
	typed := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(document.Object, typed, true); err != nil {
		t.Fatalf("%s %s: %v", document.GetKind(), document.GetName(), err)
	}
	return typed
}

func present(objects ...client.Object) []client.Object {
	var found []client.Object
	for _, object := range objects {
		if !reflect.ValueOf(object).IsNil() {
			found = append(found, object)
		}
	}
	return found
}
