package manifests

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// FleetPrometheusRule has a Prometheus Operator watch the control plane. It is nil
// where the spec asks for none. The series are those of our own ServiceMonitor:
// its job is the Service's name.
func FleetPrometheusRule(fleet *v1alpha1.ArgusFleet) *unstructured.Unstructured {
	wanted := fleet.Spec.PrometheusRule
	if wanted == nil {
		return nil
	}
	about := watched{
		series:  fmt.Sprintf("namespace=%q,job=%q", fleet.Namespace, FleetName(fleet.Name)),
		labels:  map[string]any{"namespace": fleet.Namespace, "argusfleet": fleet.Name},
		subject: fleet.Namespace + "/" + fleet.Name,
	}
	meta := objectMeta(FleetName(fleet.Name), fleet.Namespace, merge(wanted.Labels, fleetLabels(fleet.Name)), FleetOwner(fleet))
	return object(GVKPrometheusRule(), meta, about.group(appFleet, fleetAlerts(fleet)))
}

func fleetAlerts(fleet *v1alpha1.ArgusFleet) []alert {
	alerts := append(serviceAlerts(), memberAlerts(fleet)...)
	if fleet.Spec.TLS != nil {
		alerts = append(alerts, alert{
			name: "ArgusFleetCertificateUnreadable", severity: "critical",
			expr:    `increase(argus_fleet_tls_reload_failures_total{SERIES}[15m]) > 0`,
			summary: "The control plane %s cannot read its renewed certificate.",
			todo:    "It serves with the last good one until that expires. Check tls.crt and tls.key in the Secret of spec.tls.",
		})
	}
	if fleet.Spec.Prometheus != nil {
		alerts = append(alerts, alert{
			name: "ArgusFleetPrometheusSilent", severity: "warning", lasting: "10m",
			expr: `increase(argus_fleet_prometheus_round_seconds_count{SERIES,outcome="silent"}[10m]) > 0 ` +
				`unless ignoring(outcome) increase(argus_fleet_prometheus_round_seconds_count{SERIES,outcome="answered"}[10m]) > 0`,
			summary: "The control plane %s gets no answer from Prometheus.",
			todo:    "It shows the values that members push. Check spec.prometheus, its token and its authority.",
		})
	}
	return alerts
}

// serviceAlerts are about the control plane itself.
func serviceAlerts() []alert {
	return []alert{
		{
			name: "ArgusFleetDown", severity: "critical", lasting: "5m",
			expr:    `absent(up{SERIES} == 1)`,
			summary: "The control plane %s is down, or is not being scraped.",
			todo:    "Bots go on without it. Read the conditions of the ArgusFleet, then its pod's log.",
		},
		{
			name: "ArgusFleetStateNotWritten", severity: "critical",
			expr:    `increase(argus_fleet_store_errors_total{SERIES}[10m]) > 0`,
			summary: "The control plane %s cannot write its state.",
			todo:    "New registrations are not durable. Look for a full or read-only volume.",
		},
		{
			name: "ArgusFleetTokensUnreadable", severity: "critical",
			expr:    `increase(argus_fleet_token_reload_failures_total{SERIES}[15m]) > 0`,
			summary: "The control plane %s read a Secret without a token.",
			todo:    "The last good tokens stay in force until it restarts. Put the missing key back into its server Secret.",
		},
		{
			name: "ArgusFleetTokensRefused", severity: "warning", lasting: "15m",
			expr:    `sum by (namespace, job, surface) (rate(argus_fleet_auth_failures_total{SERIES}[10m])) > 0.1`,
			summary: "The control plane %s keeps refusing tokens.",
			todo:    "On the ingest surface a bot presents an old or foreign token; on the others it may be a guess.",
		},
	}
}

// memberAlerts are about the clusters that beat to the control plane.
func memberAlerts(fleet *v1alpha1.ArgusFleet) []alert {
	return []alert{
		{
			name: "ArgusFleetClustersDown", severity: "warning", lasting: "10m",
			expr:    `sum by (namespace, job, fleet) (argus_fleet_clusters{SERIES,status="down"}) > 0`,
			summary: "Clusters of the control plane %s are down.",
			todo:    "Restart what has stopped. Retire what is not to come back: its number is kept.",
		},
		{
			name: "ArgusFleetIdentityConflict", severity: "warning",
			expr:    `increase(argus_fleet_identity_conflicts_total{SERIES}[15m]) > 0`,
			summary: "Two processes share an identity in the control plane %s.",
			todo:    "Every command is answered twice. Stop the process that should not run, or give it another identity.",
		},
		{
			name: "ArgusFleetNearlyFull", severity: "warning", lasting: "10m",
			expr: fmt.Sprintf(`argus_fleet_registry_entries{SERIES} > 0.9 * %d`,
				FleetEffective(&fleet.Spec).MaxClusters),
			summary: "The control plane %s lists nearly as many clusters as it may.",
			todo:    "Retire clusters that are gone, or raise spec.maxClusters.",
		},
	}
}
