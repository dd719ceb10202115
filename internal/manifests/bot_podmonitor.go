package manifests

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// BotPodMonitor has a Prometheus Operator scrape the clusters of a bot. It is nil where
// the spec asks for none.
//
// Every series gets the cluster's identity as its label cluster: argus-dpy leaves it
// out of the shards' series, and what asks by cluster would not find them.
func BotPodMonitor(bot *v1alpha1.ArgusBot) *unstructured.Unstructured {
	wanted := bot.Spec.PodMonitor
	if wanted == nil {
		return nil
	}
	effective := BotEffective(bot, nil)
	endpoint := map[string]any{
		"port": portName,
		"path": effective.MetricsPath,
		"relabelings": []any{map[string]any{
			"action":       "replace",
			"sourceLabels": []any{"__meta_kubernetes_pod_label_argus_dev_cluster"},
			"targetLabel":  "cluster",
			"replacement":  effective.IdentityPrefix + "-${1}",
		}},
		// What the bot itself says there is the same.
		"metricRelabelings": []any{map[string]any{"action": "labeldrop", "regex": "exported_cluster"}},
	}
	if metrics := bot.Spec.Metrics; metrics != nil && metrics.TokenSecretRef != nil {
		endpoint["authorization"] = map[string]any{
			"type":        "Bearer",
			"credentials": secretKey(metrics.TokenSecretRef.Name, metrics.TokenSecretRef.Key),
		}
	}
	meta := objectMeta(BotName(bot.Name), bot.Namespace, merge(wanted.Labels, botLabels(bot.Name)), BotOwner(bot))
	return object(GVKPodMonitor(), meta, map[string]any{
		"selector":            map[string]any{"matchLabels": values(BotSelector(bot.Name))},
		"podMetricsEndpoints": []any{endpoint},
	})
}
