package controllers

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// collectTimeout bounds one look at the cache.
const collectTimeout = 5 * time.Second

// objectMetrics tell how the custom resources are, as their statuses have it, when a
// Prometheus asks. Only the replica that leads tells: the other's would be the same.
type objectMetrics struct {
	reader  client.Reader
	elected <-chan struct{}

	botReady, botClusters, botRollout, identifiesUsed, identifyLimit *prometheus.Desc
	fleetReady, fleetReachable, fleetClusters                        *prometheus.Desc
}

// newObjectMetrics returns a collector that reads from a cache once elected is closed.
func newObjectMetrics(reader client.Reader, elected <-chan struct{}) *objectMetrics {
	// Not "namespace": a scrape sets that to the operator's own.
	bot, fleet := []string{"bot_namespace", "bot"}, []string{"fleet_namespace", "fleet"}
	of := func(name, help string, labels []string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc("argus_operator_"+name, help, append(labels[:len(labels):len(labels)], more...), nil)
	}
	return &objectMetrics{
		reader: reader, elected: elected,
		botReady:       of("bot_ready", "Whether the ArgusBot's condition Ready is True.", bot),
		botClusters:    of("bot_clusters", "Clusters of the ArgusBot by state: desired, ready, updated, up.", bot, "state"),
		botRollout:     of("bot_rollout", "1, with the reason of the ArgusBot's condition RolloutComplete.", bot, "reason"),
		identifiesUsed: of("identify_used_24h", "Session starts of the last 24 hours that the operator made or saw, over all bots that share the token.", bot),
		identifyLimit:  of("identify_limit", "Session starts that Discord lets the bot's token make in 24 hours.", bot),
		fleetReady:     of("fleet_ready", "Whether the ArgusFleet's condition Ready is True.", fleet),
		fleetReachable: of("fleet_reachable", "Whether the operator can read the ArgusFleet's control plane.", fleet),
		fleetClusters:  of("fleet_clusters", "Clusters that the ArgusFleet's control plane knows, by state: up, down.", fleet, "state"),
	}
}

// Describe implements prometheus.Collector.
func (m *objectMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		m.botReady, m.botClusters, m.botRollout, m.identifiesUsed, m.identifyLimit, m.fleetReady, m.fleetReachable, m.fleetClusters,
	} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (m *objectMetrics) Collect(ch chan<- prometheus.Metric) {
	select {
	case <-m.elected:
	default:
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	var bots v1alpha1.ArgusBotList
	var fleets v1alpha1.ArgusFleetList
	for _, list := range []client.ObjectList{&bots, &fleets} {
		if err := m.reader.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			ctrl.Log.Error(err, "listing custom resources for the metrics")
			return
		}
	}
	for i := range bots.Items {
		m.bot(ch, &bots.Items[i])
	}
	for i := range fleets.Items {
		m.fleet(ch, &fleets.Items[i])
	}
}

func (m *objectMetrics) bot(ch chan<- prometheus.Metric, bot *v1alpha1.ArgusBot) {
	gauge := gaugesOf(ch, bot)
	status := &bot.Status
	gauge(m.botReady, isTrue(status.Conditions, v1alpha1.ConditionReady))
	if rollout := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionRolloutComplete); rollout != nil {
		gauge(m.botRollout, 1, rollout.Reason)
	}
	if clusters := status.Clusters; clusters != nil {
		gauge(m.botClusters, float64(clusters.Desired), "desired")
		gauge(m.botClusters, float64(clusters.Ready), "ready")
		gauge(m.botClusters, float64(clusters.Updated), "updated")
		gauge(m.botClusters, float64(clusters.Up), "up")
	}
	if identify := status.Identify; identify != nil {
		gauge(m.identifiesUsed, float64(identify.Used24h))
		gauge(m.identifyLimit, float64(identify.Limit))
	}
}

func (m *objectMetrics) fleet(ch chan<- prometheus.Metric, fleet *v1alpha1.ArgusFleet) {
	gauge := gaugesOf(ch, fleet)
	status := &fleet.Status
	gauge(m.fleetReady, isTrue(status.Conditions, v1alpha1.ConditionReady))
	gauge(m.fleetReachable, isTrue(status.Conditions, v1alpha1.ConditionReachable))
	if clusters := status.Clusters; clusters != nil {
		gauge(m.fleetClusters, float64(clusters.Up), "up")
		gauge(m.fleetClusters, float64(clusters.Down), "down")
	}
}

// gaugesOf emits gauges about an object.
func gaugesOf(ch chan<- prometheus.Metric, object metav1.Object) func(desc *prometheus.Desc, value float64, more ...string) {
	return func(desc *prometheus.Desc, value float64, more ...string) {
		labels := append([]string{object.GetNamespace(), object.GetName()}, more...)
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
}

func isTrue(conditions []metav1.Condition, kind string) float64 {
	return float64(ones(meta.IsStatusConditionTrue(conditions, kind)))
}
