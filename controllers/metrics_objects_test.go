package controllers

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// What the statuses say is what Prometheus gets, from the replica that leads.
func TestTheMetricsTellOfEveryObject(t *testing.T) {
	bot := &v1alpha1.ArgusBot{
		ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "mybot"},
		Status: v1alpha1.ArgusBotStatus{
			Conditions: []metav1.Condition{
				{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse},
				{Type: v1alpha1.ConditionRolloutComplete, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonRolloutFailed},
			},
			Clusters: &v1alpha1.BotClusters{Desired: 3, Ready: 2, Updated: 1, Up: 2},
			Identify: &v1alpha1.BotIdentify{Limit: 1000, Used24h: 120},
		},
	}
	fleet := &v1alpha1.ArgusFleet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "bots", Name: "main"},
		Status: v1alpha1.ArgusFleetStatus{
			Conditions: []metav1.Condition{
				{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}, {Type: v1alpha1.ConditionReachable, Status: metav1.ConditionTrue},
			},
			Clusters: &v1alpha1.FleetClusters{Up: 12, Down: 1, Total: 13},
		},
	}
	elected := make(chan struct{})
	metrics := newObjectMetrics(fake.NewClientBuilder().WithScheme(ownKinds(t)).WithObjects(bot, fleet).Build(), elected)
	if n := testutil.CollectAndCount(metrics); n != 0 {
		t.Errorf("a replica that does not lead tells %d series", n)
	}
	close(elected)
	want := `
# HELP argus_operator_bot_clusters Clusters of the ArgusBot by state: desired, ready, updated, up.
# TYPE argus_operator_bot_clusters gauge
argus_operator_bot_clusters{bot="mybot",bot_namespace="bots",state="desired"} 3
argus_operator_bot_clusters{bot="mybot",bot_namespace="bots",state="ready"} 2
argus_operator_bot_clusters{bot="mybot",bot_namespace="bots",state="up"} 2
argus_operator_bot_clusters{bot="mybot",bot_namespace="bots",state="updated"} 1
# HELP argus_operator_identify_used_24h Session starts of the last 24 hours that the operator made or saw, over all bots that share the token.
# TYPE argus_operator_identify_used_24h gauge
argus_operator_identify_used_24h{bot="mybot",bot_namespace="bots"} 120
# HELP argus_operator_identify_limit Session starts that Discord lets the bot's token make in 24 hours.
# TYPE argus_operator_identify_limit gauge
argus_operator_identify_limit{bot="mybot",bot_namespace="bots"} 1000
# HELP argus_operator_bot_ready Whether the ArgusBot's condition Ready is True.
# TYPE argus_operator_bot_ready gauge
argus_operator_bot_ready{bot="mybot",bot_namespace="bots"} 0
# HELP argus_operator_bot_rollout 1, with the reason of the ArgusBot's condition RolloutComplete.
# TYPE argus_operator_bot_rollout gauge
argus_operator_bot_rollout{bot="mybot",bot_namespace="bots",reason="RolloutFailed"} 1
# HELP argus_operator_fleet_clusters Clusters that the ArgusFleet's control plane knows, by state: up, down.
# TYPE argus_operator_fleet_clusters gauge
argus_operator_fleet_clusters{fleet="main",fleet_namespace="bots",state="down"} 1
argus_operator_fleet_clusters{fleet="main",fleet_namespace="bots",state="up"} 12
# HELP argus_operator_fleet_reachable Whether the operator can read the ArgusFleet's control plane.
# TYPE argus_operator_fleet_reachable gauge
argus_operator_fleet_reachable{fleet="main",fleet_namespace="bots"} 1
# HELP argus_operator_fleet_ready Whether the ArgusFleet's condition Ready is True.
# TYPE argus_operator_fleet_ready gauge
argus_operator_fleet_ready{fleet="main",fleet_namespace="bots"} 1
`
	if err := testutil.CollectAndCompare(metrics, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
