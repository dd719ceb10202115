// Package v1alpha1 holds the two kinds of the group argus.dev: ArgusFleet, one
// fleet control plane, and ArgusBot, one Discord bot as one or more cluster
// processes. It is data only: the schema and its CEL rules check every object,
// so there is no webhook, and defaults that are not in the schema are the
// operator's, which reports them in status.effective.
//
// +kubebuilder:object:generate=true
// +groupName=argus.dev
package v1alpha1
