package v1alpha1

// Condition types. They follow the kstatus rules, so that `kubectl wait`, Argo CD
// and Flux understand them: Ready summarises, Reconciling and Stalled are present
// only while they are true.
const (
	// ConditionReady is the summary: the object does what its spec says.
	ConditionReady = "Ready"
	// ConditionReconciling is present while the operator still works towards the spec.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is present while a person must act before anything can go on.
	ConditionStalled = "Stalled"

	// ConditionStorageBound tells whether an ArgusFleet's claim has its volume.
	ConditionStorageBound = "StorageBound"
	// ConditionReachable tells whether the operator can read an ArgusFleet's control plane.
	ConditionReachable = "Reachable"

	// ConditionTokensRotated tells whether the tokens of an ArgusFleet are all of the newest kind.
	ConditionTokensRotated = "TokensRotated"
	// ConditionExposed tells whether an ArgusFleet can be reached from outside the
	// cluster as the spec asks; absent where it asks for nothing.
	ConditionExposed = "Exposed"

	// ConditionFleetJoined tells whether every cluster of an ArgusBot has registered.
	ConditionFleetJoined = "FleetJoined"
	// ConditionRolloutComplete tells whether every cluster of an ArgusBot runs what the
	// spec asks for, and works.
	ConditionRolloutComplete = "RolloutComplete"
	// ConditionIdentifyBudget tells whether a bot's token has session starts left for
	// what the operator wants to start.
	ConditionIdentifyBudget = "IdentifyBudget"
)

// Reasons of Ready, Reconciling and Stalled.
const (
	// ReasonAvailable : everything that was asked for runs.
	ReasonAvailable = "Available"
	// ReasonProgressing : pods are being created or replaced.
	ReasonProgressing = "Progressing"
	// ReasonPodTrouble : a pod cannot run; the message names why.
	ReasonPodTrouble = "PodTrouble"
	// ReasonNameConflict : an object that is not ours stands under a name that we need.
	ReasonNameConflict = "NameConflict"
	// ReasonStateLocked : another control plane process holds the state file.
	ReasonStateLocked = "StateLocked"
	// ReasonSecretMissing : a Secret or a key of it that the spec names does not exist.
	ReasonSecretMissing = "SecretMissing"
	// ReasonSecretInvalid : a Secret of ours has lost a key that cannot be made again.
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonInvalidSpec : the spec holds a value that the schema cannot tell to be wrong.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonResharding : the old shard layout is being stopped before the new one starts.
	ReasonResharding = "Resharding"
	// ReasonFleetNotFound : the ArgusFleet that a bot names does not exist in its namespace.
	ReasonFleetNotFound = "FleetNotFound"
	// ReasonFleetNotReady : the ArgusFleet that a bot names has not made its Service and member Secret yet.
	ReasonFleetNotReady = "FleetNotReady"
	// ReasonInvalidPod : a piece of spec.pod is none that a pod could hold.
	ReasonInvalidPod = "InvalidPod"
	// ReasonSecurityFloor : spec.pod would make the pod less safe than every pod of ours is.
	ReasonSecurityFloor = "SecurityFloor"
	// ReasonStopped : a cluster is stopped; only in the list of clusters.
	ReasonStopped = "Stopped"
	// ReasonHibernated : spec.hibernate has stopped all pods.
	ReasonHibernated = "Hibernated"
	// ReasonRolloutFailed : a cluster did not come to work in time; the others are left as they are.
	ReasonRolloutFailed = "RolloutFailed"
	// ReasonBudgetImpossible : a cluster has more shards than Discord lets the token start in a day.
	ReasonBudgetImpossible = "BudgetImpossible"
	// ReasonInvalidLedger : the record of a token's session starts cannot be read.
	ReasonInvalidLedger = "InvalidLedger"
	// ReasonCrashLoopProtected : clusters that started again and again were stopped before the token was spent.
	ReasonCrashLoopProtected = "CrashLoopProtected"
	// ReasonRevisionTooOld : pods have a form that this version of the operator no longer builds.
	ReasonRevisionTooOld = "RevisionTooOld"
	// ReasonSuspended : spec.suspend lets the operator do nothing, or nothing new.
	ReasonSuspended = "Suspended"
	// ReasonQuotaExceeded : a quota of the namespace refuses the pod, or another object that is wanted.
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonRetiring : a deleted bot waits until the control plane has retired its clusters.
	ReasonRetiring = "Retiring"
	// ReasonRetired : the clusters of a deleted bot were retired in the control plane; of an event.
	ReasonRetired = "Retired"
	// ReasonNotRetired : the clusters of a deleted bot stay in the control plane; of an event.
	ReasonNotRetired = "NotRetired"
	// ReasonApplyFailed : the API server refused an object that the operator wants.
	ReasonApplyFailed = "ApplyFailed"
	// ReasonRequestFailed : a request to the API server failed; it is being retried.
	ReasonRequestFailed = "RequestFailed"
)

// Reasons of the other conditions.
const (
	// ReasonBound : the claim has its volume.
	ReasonBound = "Bound"
	// ReasonClaimDiffers : the claim has its volume, and differs from the spec in what cannot change.
	ReasonClaimDiffers = "ClaimDiffers"
	// ReasonClaimPending : the claim waits for a volume.
	ReasonClaimPending = "ClaimPending"
	// ReasonClaimLost : the claim's volume is gone, or goes with the pod that still uses it.
	ReasonClaimLost = "ClaimLost"
	// ReasonClaimMissing : the claim that the spec names does not exist.
	ReasonClaimMissing = "ClaimMissing"
	// ReasonResizeRefused : the claim was asked to grow, and its class does not let it.
	ReasonResizeRefused = "ResizeRefused"
	// ReasonResizing : the claim is growing.
	ReasonResizing = "Resizing"

	// ReasonStable : one token of each kind is accepted, and everybody uses it.
	ReasonStable = "Stable"
	// ReasonAdding : the control plane is to accept a new token beside the old one.
	ReasonAdding = "Adding"
	// ReasonRolling : bots are being handed the new token.
	ReasonRolling = "Rolling"
	// ReasonDropping : the control plane is to forget the old token.
	ReasonDropping = "Dropping"
	// ReasonOldTokenInUse : members still present the old token; the message names them.
	ReasonOldTokenInUse = "OldTokenInUse"

	// ReasonExposed : what the spec asks for stands.
	ReasonExposed = "Exposed"
	// ReasonNoTrustedProxies : an ingress stands in front, and no proxy's word is believed.
	ReasonNoTrustedProxies = "NoTrustedProxies"
	// ReasonKindMissing : the cluster has no such kind (Gateway API).
	ReasonKindMissing = "KindMissing"
	// ReasonNoAddress : the ingress or load balancer has no address yet.
	ReasonNoAddress = "NoAddress"
	// ReasonNotAdmitted : the NetworkPolicy lets no ingress controller in.
	ReasonNotAdmitted = "NotAdmitted"
	// ReasonNotAccepted : the Gateway refuses the route.
	ReasonNotAccepted = "NotAccepted"

	// ReasonComplete : every cluster runs what the spec asks for, and works.
	ReasonComplete = "Complete"
	// ReasonRolloutAvailable : an upgrade of the operator brought a newer form of the pods.
	ReasonRolloutAvailable = "RolloutAvailable"
	// ReasonGateFallback : the control plane cannot be read, so ready pods count as working.
	ReasonGateFallback = "GateFallback"
	// ReasonWithinBudget : the token has session starts left.
	ReasonWithinBudget = "WithinBudget"
	// ReasonBudgetLow : a start waits until earlier ones no longer count.
	ReasonBudgetLow = "BudgetLow"
	// ReasonLimitsDiffer : bots with the same token name different limits; the smallest counts.
	ReasonLimitsDiffer = "LimitsDiffer"

	// ReasonShortTTL : the control plane answers, but waits too short for members that beat every 15 s.
	ReasonShortTTL = "ShortTTL"
	// ReasonReadable : the control plane answered.
	ReasonReadable = "Readable"
	// ReasonUnreachable : the control plane did not answer, or not as it should.
	ReasonUnreachable = "Unreachable"
	// ReasonJoined : every cluster has registered and beats.
	ReasonJoined = "Joined"
	// ReasonWaiting : some clusters have not registered yet, or are silent.
	ReasonWaiting = "Waiting"
	// ReasonNeverRegistered : clusters run, but have not registered for longer than a start takes.
	ReasonNeverRegistered = "NeverRegistered"
	// ReasonNoViewerToken : an external control plane cannot be read without a viewer token.
	ReasonNoViewerToken = "NoViewerToken"
	// ReasonExternalReadsOff : the operator was started without --allow-external-fleets.
	ReasonExternalReadsOff = "ExternalReadsOff"
)
