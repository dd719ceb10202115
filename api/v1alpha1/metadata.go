package v1alpha1

// Labels and annotations that the operator sets on what it makes.
const (
	// LabelFleet names the ArgusFleet that an object or pod belongs to.
	LabelFleet = "argus.dev/fleet"
	// LabelBot names the ArgusBot that an object or pod belongs to.
	LabelBot = "argus.dev/bot"
	// LabelCluster is a bot's cluster index, "0" to "255".
	LabelCluster = "argus.dev/cluster"
	// ManagedBy is the value of app.kubernetes.io/managed-by on everything we make.
	ManagedBy = "argus-operator"
	// FieldOwner is the operator's name in managedFields.
	FieldOwner = "argus-operator"
)
