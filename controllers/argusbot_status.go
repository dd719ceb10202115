package controllers

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// registrationGrace is how long a cluster may run without registering before the
// condition asks why: longer than any member's back-off.
const registrationGrace = 2 * time.Minute

func botReady(bot *v1alpha1.ArgusBot) bool {
	return meta.IsStatusConditionTrue(bot.Status.Conditions, v1alpha1.ConditionReady)
}

// deriveBotStatus says in the status what the scope has read. What the control
// plane did not tell this time is left out, except the numbers, which never change.
func (r *ArgusBotReconciler) deriveBotStatus(s *botScope, held *hold) {
	status := &s.bot.Status
	before := status.DeepCopy()
	effective := manifests.BotEffective(s.bot, s.target)
	status.ObservedGeneration = s.bot.Generation
	status.Image = s.bot.Spec.Image
	status.Effective = &effective
	status.FleetURL = ""
	if s.target != nil {
		status.FleetURL = s.target.URL
	}
	conditions := newConditions(status.Conditions, s.bot.Generation)
	if held.isRetry() {
		conditions.retrying(held)
	} else {
		if s.clusters != nil {
			observeClusters(status, s)
			if s.target != nil && s.notAsked == nil && s.unheard(conditions) {
				keepTold(status, before)
			}
		}
		s.note(held)
		r.setFleetJoined(conditions, s)
		if s.clusters != nil {
			observeRollout(status, s)
			observeIdentifies(status, s, r.Now())
			setRolloutComplete(conditions, s)
			setIdentifyBudget(conditions, s)
		}
		conditions.summarise(botReadiness(s, held).mention(s.bot.Spec.Suspend))
	}
	status.Conditions = conditions.sorted()
	r.damp(s, before, status)
}

// note tells, whatever else is known, which wish was followed, and that the control plane
// is not asked for as long as the spec is what it is.
func (s *botScope) note(held *hold) {
	if s.reset != "" {
		s.bot.Status.LastHandled = &v1alpha1.BotLastHandled{ResetCrashLoop: s.reset}
	}
	if held != nil && (s.target == nil || s.clusters == nil && held.stalled && held.after == 0) {
		s.notAsked = held
	}
}

// damp keeps a wobbling guild count, session starts that no longer count, and good news of
// a start that goes on at once, from changing the object by themselves.
func (r *ArgusBotReconciler) damp(s *botScope, before, now *v1alpha1.ArgusBotStatus) {
	fresh := now.DeepCopy()
	if before.Guilds != nil && now.Guilds != nil {
		now.Guilds = before.Guilds
	}
	if before.Identify != nil && now.Identify != nil && now.Identify.Used24h < before.Identify.Used24h {
		now.Identify.Used24h, now.Display.Identifies = before.Identify.Used24h, before.Display.Identifies
	}
	if r.holds(s) && canWait(before, fresh) {
		before.DeepCopyInto(now)
		return
	}
	wobbled := !equality.Semantic.DeepEqual(now, fresh)
	due := wobbled && observationDue(s.memory.observed, r.Now(), wobbles(before, fresh)...)
	if equality.Semantic.DeepEqual(before, now) && !due {
		return
	}
	*now = *fresh
	s.observed = true
}

// wobbles lists the wobbling values that both statuses have.
func wobbles(before, now *v1alpha1.ArgusBotStatus) []wobble {
	var values []wobble
	if before.Guilds != nil && now.Guilds != nil {
		values = append(values, wobble{*before.Guilds, *now.Guilds})
	}
	if before.Identify != nil && now.Identify != nil {
		values = append(values, wobble{int64(before.Identify.Used24h), int64(now.Identify.Used24h)})
	}
	return values
}

// maxGuilds bounds what a control plane can make us show.
const maxGuilds = 1e15

func observeClusters(status *v1alpha1.ArgusBotStatus, s *botScope) {
	answered := s.answer.Status != nil
	clusters := v1alpha1.BotClusters{Desired: count(len(s.clusters))}
	shards := v1alpha1.BotShards{Desired: s.bot.Spec.Sharding.Total}
	var guilds float64
	numbers := numbersByIdentity(status.ClusterStatuses)
	status.ClusterStatuses = make([]v1alpha1.BotClusterStatus, 0, len(s.clusters))
	for i := range s.clusters {
		one := clusterStatus(i, &s.clusters[i], answered)
		one.Number = cmp.Or(one.Number, numbers[one.ID])
		status.ClusterStatuses = append(status.ClusterStatuses, one)
		clusters.Ready += ones(one.Ready)
		clusters.Updated += ones(s.clusters[i].live != nil && s.clusters[i].stands && updated(s.clusters[i].live))
		if fleet := s.clusters[i].fleet; fleet != nil && fleet.Status == fleetapi.StatusUp {
			clusters.Up++
			shards.Up += count(fleet.ShardsUp)
			guilds += fleet.Guilds
		}
	}
	display := v1alpha1.BotDisplay{Clusters: fmt.Sprintf("%d/%d", clusters.Ready, clusters.Desired)}
	status.Shards, status.Guilds = nil, nil
	if answered {
		display.Shards = fmt.Sprintf("%d/%d", shards.Up, shards.Desired)
		status.Shards, status.Guilds = &shards, ptr.To(int64(min(max(guilds, 0), maxGuilds)))
	}
	status.Clusters, status.Display = &clusters, &display
}

// keepTold keeps what a control plane told before.
func keepTold(status, before *v1alpha1.ArgusBotStatus) {
	status.Shards, status.Guilds = before.Shards, before.Guilds
	if before.Display != nil {
		status.Display.Shards = before.Display.Shards
	}
	if before.Clusters != nil {
		status.Clusters.Up = before.Clusters.Up
	}
	up := map[string]*bool{}
	for i := range before.ClusterStatuses {
		up[before.ClusterStatuses[i].ID] = before.ClusterStatuses[i].Up
	}
	for i := range status.ClusterStatuses {
		status.ClusterStatuses[i].Up = up[status.ClusterStatuses[i].ID]
	}
}

func numbersByIdentity(clusters []v1alpha1.BotClusterStatus) map[string]int32 {
	numbers := make(map[string]int32, len(clusters))
	for _, cluster := range clusters {
		numbers[cluster.ID] = cluster.Number
	}
	return numbers
}

func clusterStatus(index int, cluster *clusterScope, answered bool) v1alpha1.BotClusterStatus {
	one := v1alpha1.BotClusterStatus{
		Index: count(index), ID: cluster.identity, Shards: cluster.shards.String(),
		Ready: cluster.live != nil && available(cluster.live),
	}
	if cluster.live != nil {
		one.Revision = manifests.RevisionOf(cluster.live)
	}
	if answered {
		one.Up = ptr.To(cluster.fleet != nil && cluster.fleet.Status == fleetapi.StatusUp)
	}
	if cluster.fleet != nil {
		one.Number = count(cluster.fleet.Number)
	}
	if !one.Ready {
		one.Reason = whyNotReady(cluster)
	}
	return one
}

// whyNotReady is one word.
func whyNotReady(cluster *clusterScope) string {
	found := clusterTrouble(cluster)
	switch {
	case cluster.protected:
		return v1alpha1.ReasonCrashLoopProtected
	case cluster.live != nil && !manifests.AsksForPods(cluster.live):
		return v1alpha1.ReasonStopped
	case found != nil:
		return found.reason
	}
	return v1alpha1.ReasonProgressing
}

func clusterTrouble(cluster *clusterScope) *trouble {
	if cluster.live == nil {
		return nil
	}
	return troubleOf(cluster.live, cluster.pods, "")
}

func ones(yes bool) int32 {
	if yes {
		return 1
	}
	return 0
}

// some names a few of many.
func some(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and others"
}

// setFleetJoined tells whether the clusters have arrived where they beat.
func (r *ArgusBotReconciler) setFleetJoined(c *conditions, s *botScope) {
	set := func(status metav1.ConditionStatus, reason, message string) {
		c.set(v1alpha1.ConditionFleetJoined, status, reason, message)
	}
	switch {
	case s.bot.Spec.Fleet == nil:
		c.remove(v1alpha1.ConditionFleetJoined)
	case manifests.Hibernates(s.bot):
		set(metav1.ConditionUnknown, v1alpha1.ReasonHibernated, "all clusters are stopped, as spec.hibernate asks")
	case s.notAsked != nil:
		set(metav1.ConditionUnknown, s.notAsked.reason, s.notAsked.message)
	case s.answer.Err != nil:
		set(metav1.ConditionUnknown, v1alpha1.ReasonUnreachable, s.answer.Err.Error())
	case s.unheard(c):
		return
	case s.answer.Status == nil:
		set(metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "the control plane has not answered yet")
	default:
		silent, never := r.absent(s)
		switch {
		case len(never) > 0:
			set(metav1.ConditionFalse, v1alpha1.ReasonNeverRegistered, neverRegistered(never, s.bot))
		case len(silent) > 0:
			set(metav1.ConditionFalse, v1alpha1.ReasonWaiting, "no heartbeat from "+some(silent))
		default:
			set(metav1.ConditionTrue, v1alpha1.ReasonJoined, "every cluster has registered and beats")
		}
	}
}

// unheard tells whether this process has not asked the control plane yet, of which an
// earlier one has told. What is known stays as it is until the answer is there: that
// nobody has looked is no news.
func (s *botScope) unheard(c *conditions) bool {
	return !s.answer.Asked && c.current(v1alpha1.ConditionFleetJoined)
}

// absent lists the clusters that the control plane does not see up, and those of
// them that run for long enough and are not known there at all.
func (r *ArgusBotReconciler) absent(s *botScope) (silent, never []string) {
	for i := range s.clusters {
		cluster := &s.clusters[i]
		if cluster.fleet != nil && cluster.fleet.Status == fleetapi.StatusUp {
			continue
		}
		silent = append(silent, cluster.identity)
		since := runningSince(cluster.pods)
		if cluster.fleet != nil || !cluster.available() || since.IsZero() {
			continue
		}
		if ends := since.Add(registrationGrace); r.Now().After(ends) {
			never = append(never, cluster.identity)
		} else {
			s.wakeAt(ends)
		}
	}
	return silent, never
}

// runningSince is when the youngest bot container of these pods started, or zero.
func runningSince(pods []corev1.Pod) time.Time {
	var youngest time.Time
	for _, pod := range pods {
		for _, status := range pod.Status.ContainerStatuses {
			if running := status.State.Running; running != nil && status.Name == manifests.BotContainer && running.StartedAt.After(youngest) {
				youngest = running.StartedAt.Time
			}
		}
	}
	return youngest
}

// neverRegistered says what to look at. That old libraries read no file is of no use to
// one that is handed its token as a variable.
func neverRegistered(identities []string, bot *v1alpha1.ArgusBot) string {
	const switchedOn = " runs but has never registered: check that the bot's Argus library is switched on"
	if ptr.Deref(bot.Spec.Fleet.Delivery, v1alpha1.DeliverFile) == v1alpha1.DeliverEnv {
		return some(identities) + switchedOn + ", and see its log for what the control plane answers"
	}
	return some(identities) + switchedOn + "; argus-dpy 0.4.2 and older read no token file and need spec.fleet.delivery: Env"
}
