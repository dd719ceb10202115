package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of the kinds in this package.
var GroupVersion = schema.GroupVersion{Group: "argus.dev", Version: "v1alpha1"}

// Kinds of this package, for owner references and events.
const (
	KindArgusFleet = "ArgusFleet"
	KindArgusBot   = "ArgusBot"
)

// AddToScheme registers the kinds of this package.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &ArgusFleet{}, &ArgusFleetList{}, &ArgusBot{}, &ArgusBotList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
