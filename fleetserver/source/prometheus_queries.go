package source

import (
	"fmt"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// polled is what Prometheus knows of one cluster.
type polled struct {
	latency, shardsUp, guilds, cachedUsers, interactions, p95, rateLimits, uptime optional
	// Increases over the window.
	errors, appCommands, prefixCommands optional
	// unanswered means that one of the queries for those three failed.
	unanswered bool
	shards     map[string]*polledShard
}

type polledShard struct{ up, latency optional }

// query is a PromQL expression and what becomes of a row of its answer.
type query struct {
	text string
	take func(clusters map[string]*polled, r row)
	// commands marks the queries that the error rate is made of.
	commands bool
}

// newQueries returns the queries of a round. The two kinds of commands are
// asked for apart: a vector sum would drop the clusters that have one kind only.
// There is none for the error rate, which is the ratio of the totals.
func newQueries(prefix string) []query {
	name := func(metric string) string { return prefix + "_" + metric }
	sum := func(metric string) string { return fmt.Sprintf("sum by (cluster) (%s)", name(metric)) }
	highest := func(metric string) string { return fmt.Sprintf("max by (cluster) (%s)", name(metric)) }
	rate := func(metric string) string { return fmt.Sprintf("sum by (cluster) (rate(%s[5m]))", name(metric)) }
	increase := func(metric string) string { return fmt.Sprintf("sum by (cluster) (increase(%s[5m]))", name(metric)) }
	perShard := func(metric string) string { return fmt.Sprintf("max by (cluster, shard) (%s)", name(metric)) }
	return []query{
		{highest(fleetapi.MetricShardLatency), ofCluster(func(c *polled) *optional { return &c.latency }), false},
		{sum(fleetapi.MetricShardUp), ofCluster(func(c *polled) *optional { return &c.shardsUp }), false},
		{sum(fleetapi.MetricGuilds), ofCluster(func(c *polled) *optional { return &c.guilds }), false},
		{sum(fleetapi.MetricCachedUsers), ofCluster(func(c *polled) *optional { return &c.cachedUsers }), false},
		{highest(fleetapi.MetricUptime), ofCluster(func(c *polled) *optional { return &c.uptime }), false},
		{rate(fleetapi.MetricInteractions), ofCluster(func(c *polled) *optional { return &c.interactions }), false},
		{rate(fleetapi.MetricRateLimits), ofCluster(func(c *polled) *optional { return &c.rateLimits }), false},
		{
			fmt.Sprintf("histogram_quantile(0.95, sum by (le, cluster) (rate(%s_bucket[5m])))", name(fleetapi.MetricAppCommandDuration)),
			ofCluster(func(c *polled) *optional { return &c.p95 }),
			false,
		},
		{increase(fleetapi.MetricCommandErrors), ofCluster(func(c *polled) *optional { return &c.errors }), true},
		{increase(fleetapi.MetricAppCommands), ofCluster(func(c *polled) *optional { return &c.appCommands }), true},
		{increase(fleetapi.MetricCommands), ofCluster(func(c *polled) *optional { return &c.prefixCommands }), true},
		{perShard(fleetapi.MetricShardUp), ofShard(func(s *polledShard) *optional { return &s.up }), false},
		{perShard(fleetapi.MetricShardLatency), ofShard(func(s *polledShard) *optional { return &s.latency }), false},
	}
}

// ofCluster stores a row's value in a field of its cluster.
func ofCluster(field func(*polled) *optional) func(map[string]*polled, row) {
	return func(clusters map[string]*polled, r row) {
		if c := clusterOf(clusters, r); c != nil {
			*field(c) = optional{r.value, true}
		}
	}
}

// ofShard stores a row's value in a field of its shard.
func ofShard(field func(*polledShard) *optional) func(map[string]*polled, row) {
	return func(clusters map[string]*polled, r row) {
		c := clusterOf(clusters, r)
		if c == nil || !listable(r.shard) {
			return
		}
		shard := c.shards[r.shard]
		if shard == nil {
			if len(c.shards) == maxShards {
				return
			}
			if c.shards == nil {
				c.shards = map[string]*polledShard{}
			}
			shard = &polledShard{}
			c.shards[r.shard] = shard
		}
		*field(shard) = optional{r.value, true}
	}
}

// clusterOf returns the cluster that a row names, or nil: bots that are scraped
// without a target label have gauges of shards that name none.
func clusterOf(clusters map[string]*polled, r row) *polled {
	if r.cluster == "" {
		return nil
	}
	c := clusters[r.cluster]
	if c == nil {
		c = &polled{}
		clusters[r.cluster] = c
	}
	return c
}

// commands is what an error rate over the window is a ratio of, and false if
// Prometheus knows of no command in it or has not answered all of it: what is
// absent from an answer is 0, and what was not answered could be anything.
func (c *polled) commands() (pair, bool) {
	if c.unanswered {
		return pair{}, false
	}
	p := pair{c.errors.value, c.appCommands.value + c.prefixCommands.value}
	_, known := p.ratio()
	return p, known
}
