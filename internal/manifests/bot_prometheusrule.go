package manifests

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// BotPrometheusRule has a Prometheus Operator watch the clusters of a bot. It is nil
// where the spec asks for none. The series are those of our own PodMonitor: its job is
// that object's namespace and name. fleet is the control plane that the bot joins, or
// nil.
func BotPrometheusRule(bot *v1alpha1.ArgusBot, fleet *FleetTarget) *unstructured.Unstructured {
	wanted := bot.Spec.PrometheusRule
	if wanted == nil {
		return nil
	}
	about := watched{
		series:  fmt.Sprintf("namespace=%q,job=%q", bot.Namespace, bot.Namespace+"/"+BotName(bot.Name)),
		labels:  map[string]any{"namespace": bot.Namespace, "argusbot": bot.Name},
		subject: bot.Namespace + "/" + bot.Name,
	}
	meta := objectMeta(BotName(bot.Name), bot.Namespace, merge(wanted.Labels, botLabels(bot.Name)), BotOwner(bot))
	return object(GVKPrometheusRule(), meta, about.group(appBot, botAlerts(BotEffective(bot, fleet).MetricPrefix)))
}

// botAlerts are about the clusters of a bot, and the commands that they answer. prefix
// is that of the bot's own metrics.
func botAlerts(prefix string) []alert {
	alerts := append(clusterAlerts(), commandAlerts()...)
	for i := range alerts {
		alerts[i].expr = strings.ReplaceAll(alerts[i].expr, "PREFIX", prefix)
	}
	return alerts
}

func clusterAlerts() []alert {
	return []alert{
		{
			name: "ArgusBotClusterDown", severity: "critical", lasting: "5m",
			expr:    `up{SERIES} == 0`,
			summary: "Cluster {{ $labels.cluster }} of the bot %s does not answer.",
			todo:    "Its shards are offline. See what the ArgusBot's condition Ready names, and kubectl logs of the pod {{ $labels.pod }}.",
		},
		{
			name: "ArgusBotShardsDisconnected", severity: "critical", lasting: "5m",
			expr:    `PREFIX_shards_connected{SERIES} < PREFIX_shards_configured{SERIES}`,
			summary: "Cluster {{ $labels.cluster }} of the bot %s runs with shards that are not connected.",
			todo:    "The guilds of those shards get no answer. Look at the shards on the control plane's page, and at Discord's status page.",
		},
		{
			name: "ArgusBotRestarting", severity: "warning",
			expr:    `changes(process_start_time_seconds{SERIES}[30m]) > 3`,
			summary: "Cluster {{ $labels.cluster }} of the bot %s starts again and again.",
			todo:    "Every start costs one session start for each of its shards, of which the token has few. See kubectl logs --previous.",
		},
		{
			name: "ArgusBotInstrumentationErrors", severity: "warning", lasting: "15m",
			expr:    `sum by (cluster, hook) (rate(argus_instrumentation_errors_total{SERIES}[5m])) > 0`,
			summary: "Argus itself fails in cluster {{ $labels.cluster }} of the bot %s (hook {{ $labels.hook }}).",
			todo:    "The bot is not affected, its numbers may be wrong. Look for a newer release of the library.",
		},
	}
}

func commandAlerts() []alert {
	return []alert{
		{
			// 14.4 times as many errors as an objective of 99 percent allows.
			name: "ArgusBotCommandsFail", severity: "critical", lasting: "2m",
			expr:    errorRatio("1h") + " > 0.144 and " + errorRatio("5m") + " > 0.144",
			summary: "More than one in seven commands fails in cluster {{ $labels.cluster }} of the bot %s.",
			todo:    "Look for a new release, and for the error types on the board \"Bot interactions\".",
		},
		{
			name: "ArgusBotRateLimited", severity: "warning", lasting: "5m",
			expr:    `sum by (cluster) (rate(PREFIX_ratelimits_total{SERIES}[5m])) > 0`,
			summary: "Discord slows down cluster {{ $labels.cluster }} of the bot %s.",
			todo:    "Something calls Discord's API too often. See which route the bot's log names.",
		},
	}
}

// errorRatio is the share of app commands that failed, by cluster; no value where
// nothing was asked.
func errorRatio(window string) string {
	failed := fmt.Sprintf(`sum by (cluster) (rate(PREFIX_app_commands_total{SERIES,status="error"}[%s]))`, window)
	all := fmt.Sprintf(`sum by (cluster) (rate(PREFIX_app_commands_total{SERIES}[%s]))`, window)
	return fmt.Sprintf("(%s / (%s > 0))", failed, all)
}
