package controllers

import (
	"context"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// botOptional are the objects of kinds that a cluster may lack, as a bot wants them.
func botOptional(bot *v1alpha1.ArgusBot, fleet *manifests.FleetTarget) []optionalObject {
	return []optionalObject{
		{manifests.GVKPodMonitor(), "spec.podMonitor", prometheusOperator, manifests.BotPodMonitor(bot)},
		{manifests.GVKPrometheusRule(), "spec.prometheusRule", prometheusOperator, manifests.BotPrometheusRule(bot, fleet)},
	}
}

// ensureOptional applies the objects of kinds that the cluster may lack, and deletes
// those that are no longer asked for.
func (r *ArgusBotReconciler) ensureOptional(ctx context.Context, s *botScope) (err error) {
	s.optional, err = ensureOptional(ctx, &r.Base, s.bot, manifests.BotSelector(s.bot.Name), botOptional(s.bot, s.target))
	return err
}

// absentKinds says which parts of the spec wait for a kind that the cluster lacks.
func (s *botScope) absentKinds() string { return s.optional.absent(botOptional(s.bot, s.target)) }
