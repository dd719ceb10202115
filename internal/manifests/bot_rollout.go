package manifests

import (
	"time"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// RolloutSettings say how changes reach the clusters of a bot, defaults filled in.
type RolloutSettings struct {
	MaxUnavailable, TimeoutSeconds, MinReadySeconds, MaxConcurrency int32
	Gate                                                            v1alpha1.RolloutGate
}

// RolloutOf resolves what a spec leaves out.
func RolloutOf(bot *v1alpha1.ArgusBot) RolloutSettings {
	wanted := or(bot.Spec.Rollout, v1alpha1.Rollout{})
	return RolloutSettings{
		MaxUnavailable:  or(wanted.MaxUnavailable, 1),
		TimeoutSeconds:  or(wanted.TimeoutSeconds, defaultRolloutTimeoutSeconds),
		MinReadySeconds: or(wanted.MinReadySeconds, defaultMinReadySeconds),
		MaxConcurrency:  or(bot.Spec.Discord.MaxConcurrency, 1),
		Gate:            or(wanted.Gate, v1alpha1.GateFleet),
	}
}

// IdentifyLimit is how many sessions a day the bot's token may start, as its spec says.
func IdentifyLimit(bot *v1alpha1.ArgusBot) int32 {
	return or(bot.Spec.Discord.IdentifyLimit, defaultIdentifyLimit)
}

// Hibernates tells whether all pods of the bot are to be stopped.
func Hibernates(bot *v1alpha1.ArgusBot) bool { return or(bot.Spec.Hibernate, false) }

// Protects tells whether clusters in a crash loop are stopped before the token is spent.
func Protects(bot *v1alpha1.ArgusBot) bool {
	return or(bot.Spec.Discord.CrashLoopProtection, v1alpha1.Enabled) == v1alpha1.Enabled
}

// annotationRestartedAt on a pod makes it another one when spec.rollout.restartedAt
// changes.
const annotationRestartedAt = "argus.dev/restarted-at"

// restart is the annotation by which the spec asks for new pods, if it does.
func restart(bot *v1alpha1.ArgusBot) map[string]string {
	at := or(bot.Spec.Rollout, v1alpha1.Rollout{}).RestartedAt
	if at == nil {
		return nil
	}
	return map[string]string{annotationRestartedAt: at.UTC().Format(time.RFC3339)}
}
