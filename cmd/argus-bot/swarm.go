package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/member"
)

// swarmReport is how often a swarm looks at itself.
const swarmReport = 5 * time.Second

// swarm is many members in one process, each with a simulation, a registry and
// a connection of its own, so that a control plane meets what it would meet with
// so many bots.
type swarm struct {
	members []*member.Member
	clock   member.Clock
	logger  *slog.Logger
}

// newSwarm returns the process of a swarm. Member i is called <identity>-i and
// runs the i-th run of as many shards as one bot would.
func newSwarm(h host, c config, logger *slog.Logger) *process {
	s := &swarm{clock: h.clock, logger: logger}
	for i := range c.simulate {
		s.members = append(s.members, newSwarmMember(h, c, i))
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "argus_up", Help: "Whether the bot's exposition works."}, func() float64 { return 1 }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "argus_bot_simulated_members", Help: "Members simulated by this process.",
		}, func() float64 { return float64(len(s.members)) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "argus_bot_registered_members", Help: "Simulated members that the control plane counts as alive.",
		}, func() float64 { registered, _ := s.census(); return float64(registered) }),
	)
	if c.processMetrics {
		registry.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector(collectors.WithGoCollectorMemStatsMetricsDisabled()))
	}
	return &process{
		config: c, clock: h.clock, logger: logger, registry: registry,
		work: []func(context.Context) error{s.run, s.report}, leave: s.leave,
	}
}

func newSwarmMember(h host, c config, i int) *member.Member {
	mine := c
	mine.fleet.Identity = c.fleet.Identity + "-" + strconv.Itoa(i)
	mine.shards = consecutive(i*len(c.shards), len(c.shards))
	prefix, cluster := mine.fleet.MetricPrefix, mine.fleet.Identity
	simulation := newSimulation(mine, cluster, h.clock.Now())
	var m *member.Member
	// The process's own metrics belong to none of its members.
	registry := newRegistry(newCollector(simulation, prefix, cluster, h.clock.Now), prefix, false, map[string]func() bool{
		"fleet": func() bool { return m.State().Registered },
	})
	m = member.New(mine.fleet, member.Options{
		Snapshot: func() (fleetapi.Snapshot, error) { return member.SnapshotFrom(registry) },
		Version:  version,
		Clock:    h.clock,
	})
	return m
}

func (s *swarm) run(ctx context.Context) error {
	var group sync.WaitGroup
	for _, m := range s.members {
		group.Go(func() { _ = m.Run(ctx) }) // the context's error, for each of them
	}
	group.Wait()
	return ctx.Err()
}

func (s *swarm) leave(ctx context.Context) {
	var group sync.WaitGroup
	for _, m := range s.members {
		group.Go(func() { m.Leave(ctx) })
	}
	group.Wait()
}

// report logs how the swarm is, whenever that has changed.
func (s *swarm) report(ctx context.Context) error {
	last := ""
	for {
		registered, failing := s.census()
		if now := strconv.Itoa(registered) + " " + failing; now != last {
			s.logger.Info("swarm", "members", len(s.members), "registered", registered, "failing", failing)
			last = now
		}
		if err := s.clock.Sleep(ctx, swarmReport); err != nil {
			return err
		}
	}
}

// census counts the members that are registered, and the others' errors by class.
func (s *swarm) census() (registered int, failing string) {
	classes := map[member.ErrorClass]int{}
	for _, m := range s.members {
		state := m.State()
		if state.Registered {
			registered++
		}
		if state.LastError != member.ErrorNone {
			classes[state.LastError]++
		}
	}
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		parts = append(parts, string(class)+"="+strconv.Itoa(classes[class]))
	}
	return registered, strings.Join(parts, " ")
}
