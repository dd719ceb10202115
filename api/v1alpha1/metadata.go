package v1alpha1

// Labels and annotations that the operator sets on what it makes.
const (
	// LabelFleet names the ArgusFleet that an object or pod belongs to.
	LabelFleet = "argus.dev/fleet"
	// LabelBot names the ArgusBot that an object or pod belongs to.
	LabelBot = "argus.dev/bot"
	// LabelCluster is a bot's cluster index, "0" to "255".
	LabelCluster = "argus.dev/cluster"
	// LabelManagedBy is on everything we make, with the value ManagedBy.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of LabelManagedBy.
	ManagedBy = "argus-operator"
	// FieldOwner is the operator's name in managedFields.
	FieldOwner = "argus-operator"
)

// Annotations by which a person asks for something once: a value that differs from
// the last one handled starts it.
const (
	// AnnotationRotateTokens on an ArgusFleet starts a rotation of its generated tokens.
	AnnotationRotateTokens = "argus.dev/rotate-tokens"
	// AnnotationDropOldToken on an ArgusFleet ends a rotation although the old token is still in use.
	AnnotationDropOldToken = "argus.dev/drop-old-token"
	// AnnotationResetCrashLoop on an ArgusBot starts clusters again that crash-loop protection stopped.
	AnnotationResetCrashLoop = "argus.dev/reset-crash-loop"
)

// FinalizerRetire keeps a deleted ArgusBot until its clusters are retired in the
// control plane, for two minutes at most.
const FinalizerRetire = "argus.dev/retire"
