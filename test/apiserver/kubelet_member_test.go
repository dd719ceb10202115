//go:build apiserver

package apiserver

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// saying is what a process tells the control plane.
type saying int

const (
	// everything: values, with every shard up.
	everything saying = iota
	// allButOne shard is up.
	allButOne
	// noShards: it sends values without any.
	noShards
	// noValues: it registers and beats.
	noValues
	// nothing: the control plane goes on seeing its forerunner.
	nothing
)

// memberTTL is how long a silent member counts as up: longer than any test takes, so that
// none turns down in the midst of one that was slow.
const memberTTL = time.Hour

// guildsPerShard of every member.
const guildsPerShard = 1000

// member is a cluster in the control plane's eyes.
type member struct {
	number     int
	process    string
	registered time.Time
	beat       time.Time
	values     *time.Time
	up, total  int
}

// beat has every process tell the control plane what it has to say.
func (k *kubelet) beat() {
	now := time.Now()
	for _, pod := range k.pods {
		b := k.script(pod.cluster, pod.image())
		if pod.running.IsZero() || b.says == nothing {
			continue
		}
		identity := pod.variable("ARGUS_CLUSTER_ID")
		m := k.members[identity]
		if m == nil {
			m = &member{number: len(k.members) + 1}
			k.members[identity] = m
		}
		m.beat = now
		if process := fmt.Sprint(pod.pod.UID, pod.restarts); m.process != process { // a register clears what was known
			*m = member{number: m.number, process: process, registered: now, beat: now}
			continue
		}
		if b.says == noValues || now.Sub(pod.running) < b.valuesAfter {
			continue
		}
		m.values = &now
		if b.says == noShards {
			continue
		}
		list, _ := pod.shards()
		m.total, m.up = len(list), len(list)
		if b.says != everything { // all but one
			m.up--
		}
	}
	k.fleets.set(k.w.namespace, k.seenByControlPlane(now)...)
}

func (k *kubelet) seenByControlPlane(now time.Time) []fleetapi.ClusterStatus {
	clusters := make([]fleetapi.ClusterStatus, 0, len(k.members))
	wobble := float64(now.Second() % 3)
	k.wobbles[wobble] = true
	for _, identity := range slices.Sorted(maps.Keys(k.members)) {
		m := k.members[identity]
		status := fleetapi.StatusUp
		if now.Sub(m.beat) > memberTTL {
			status = fleetapi.StatusDown
		}
		clusters = append(clusters, fleetapi.ClusterStatus{
			Identity: identity, Fleet: "default", Number: m.number, Status: status, ShardsUp: m.up, ShardsTotal: m.total,
			Guilds: float64(m.total*guildsPerShard) + wobble, RegisteredAt: m.registered, ValuesAt: m.values,
		})
	}
	return clusters
}

// judge holds the laws against what is.
func (k *kubelet) judge() {
	if len(k.laws) == 0 {
		return
	}
	state := k.look()
	for _, law := range k.laws {
		if wrong := law(state); wrong != "" {
			k.breaks("%s: %+v", wrong, state)
		}
	}
}

// look is what runs now, by the name of the Deployment. Clusters that have never run
// are not in it.
func (k *kubelet) look() []seen {
	clusters := map[string]*seen{}
	for _, start := range k.starts {
		clusters[start.cluster] = &seen{cluster: start.cluster}
	}
	for _, pod := range k.pods {
		one := clusters[pod.cluster]
		if one == nil {
			continue
		}
		one.pods++
		if pod.running.IsZero() || !pod.leaving.IsZero() {
			continue
		}
		one.runs, one.image = true, pod.image()
		m := k.members[pod.variable("ARGUS_CLUSTER_ID")]
		one.works = !pod.readySince.IsZero() && m != nil && m.process == fmt.Sprint(pod.pod.UID, pod.restarts) && m.total > 0 && m.up == m.total
	}
	list := make([]seen, 0, len(clusters))
	for _, one := range clusters {
		list = append(list, ptr.Deref(one, seen{}))
	}
	slices.SortFunc(list, func(a, b seen) int { return cmp.Compare(a.cluster, b.cluster) })
	return list
}

// registeredEarlier dates every registration so far back.
func (k *kubelet) registeredEarlier(by time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.members {
		m.registered = m.registered.Add(-by)
	}
}

// now is what runs now.
func (k *kubelet) now() []seen {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.look()
}

// guildCounts lists by how much the guilds of each cluster have wobbled so far.
func (k *kubelet) guildCounts() []float64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(maps.Keys(k.wobbles))
}
