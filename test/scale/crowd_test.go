//go:build scale

package scale

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/member"
)

// guilds that a cluster counts, give or take less than half a percent.
const guilds = 1000

// crowd is what the processes in the pods do: each beats for its cluster while its
// pod runs.
type crowd struct {
	plane plane
	ctx   context.Context //nolint:containedctx // the life of the members, which outlast the calls that start them

	mu      sync.Mutex
	members map[types.UID]context.CancelFunc
	running sync.WaitGroup
	// grown bots have twice the guilds.
	grown atomic.Pointer[map[string]bool]
}

// newCrowd lets members run until the test ends.
func (s *stage) newCrowd(p plane) *crowd {
	c := &crowd{plane: p, members: map[types.UID]context.CancelFunc{}}
	c.grown.Store(&map[string]bool{})
	ctx, cancel := context.WithCancel(context.Background())
	c.ctx = ctx
	s.Cleanup(func() {
		cancel()
		c.running.Wait()
	})
	return c
}

// sees starts and ends members by what has become of a pod.
func (c *crowd) sees(pod *corev1.Pod, gone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	end, runs := c.members[pod.UID]
	should := !gone && pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil
	switch {
	case runs && !should:
		end()
		delete(c.members, pod.UID)
	case !runs && should:
		ctx, cancel := context.WithCancel(c.ctx)
		c.members[pod.UID] = cancel
		c.running.Go(func() { c.process(ctx, pod) })
	}
}

// process is what runs in a pod.
func (c *crowd) process(ctx context.Context, pod *corev1.Pod) {
	bot := pod.Labels[v1alpha1.LabelBot]
	m := member.New(member.Config{
		URL:   c.plane.url,
		Token: func() (string, error) { return c.plane.token, nil },
		Group: fleetapi.DefaultFleet, Identity: variable(pod, fleetapi.EnvMemberClusterID), MetricPrefix: fleetapi.DefaultMetricPrefix,
	}, member.Options{Snapshot: func() (fleetapi.Snapshot, error) { return c.snapshot(bot), nil }})
	_ = m.Run(ctx) // the context's end
	leave, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer done()
	m.Leave(leave)
}

// variable is a plain one in the environment of the pod's first container.
func variable(pod *corev1.Pod, name string) string {
	for _, v := range pod.Spec.Containers[0].Env {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

// snapshot has all shards up, and a number of guilds that wobbles.
func (c *crowd) snapshot(bot string) fleetapi.Snapshot {
	const prefix = fleetapi.DefaultMetricPrefix + "_"
	var shards []fleetapi.Sample
	for shard := range perMember {
		shards = append(shards, fleetapi.Sample{
			Name: prefix + fleetapi.MetricShardUp, Labels: map[string]string{"shard": strconv.Itoa(shard)}, Value: 1,
		})
	}
	count := float64(guilds + time.Now().UnixNano()/1e6%9 - 4)
	if (*c.grown.Load())[bot] {
		count *= 2
	}
	return fleetapi.Snapshot{Metrics: map[string]fleetapi.Family{
		prefix + fleetapi.MetricShardUp: {Type: "gauge", Samples: shards},
		prefix + fleetapi.MetricGuilds: {Type: "gauge", Samples: []fleetapi.Sample{
			{Name: prefix + fleetapi.MetricGuilds, Labels: map[string]string{}, Value: count},
		}},
	}}
}

// grow gives bots twice the guilds.
func (c *crowd) grow(bots ...string) {
	grown := map[string]bool{}
	for _, bot := range bots {
		grown[bot] = true
	}
	c.grown.Store(&grown)
}
