package manifests

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// leastScrapeSeconds between scrapes: the counts move with heartbeats, so scraping
// faster than members beat shows nothing new.
const leastScrapeSeconds = 15

// FleetServiceMonitor has a Prometheus Operator scrape the control plane with the
// viewer token. It is nil where the spec asks for none.
func FleetServiceMonitor(fleet *v1alpha1.ArgusFleet) *unstructured.Unstructured {
	wanted := fleet.Spec.ServiceMonitor
	if wanted == nil {
		return nil
	}
	interval := max(leastScrapeSeconds, FleetEffective(&fleet.Spec).HeartbeatIntervalSeconds)
	endpoint := map[string]any{
		"port":     fleetPortName(fleet),
		"path":     fleetapi.PathMetrics,
		"interval": fmt.Sprintf("%ds", interval),
		"scheme":   "http",
		"authorization": map[string]any{
			"type":        "Bearer",
			"credentials": secretKey(FleetViewerSecretName(fleet.Name), tokens.KeyToken),
		},
	}
	if tls := fleet.Spec.TLS; tls != nil {
		endpoint["scheme"] = "https"
		endpoint["tlsConfig"] = map[string]any{
			"ca":         map[string]any{"secret": secretKey(tls.SecretRef.Name, keyCA)},
			"serverName": fleetHost(fleet),
		}
	}
	meta := objectMeta(FleetName(fleet.Name), fleet.Namespace, merge(wanted.Labels, fleetLabels(fleet.Name)), FleetOwner(fleet))
	return object(GVKServiceMonitor(), meta, map[string]any{
		"selector":  map[string]any{"matchLabels": values(FleetSelector(fleet.Name))},
		"endpoints": []any{endpoint},
	})
}

func secretKey(name, key string) map[string]any { return map[string]any{"name": name, "key": key} }
