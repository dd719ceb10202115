package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/member"
)

// start runs the bot, or a swarm of them, until the context ends.
func start(ctx context.Context, h host, c config) error {
	logger := newLogger(h, c.logFormat)
	if c.fleetFault != nil {
		logger.Warn("the fleet cannot be joined; running without it", "error", c.fleetFault)
	}
	logger.Info("simulating; nothing connects to Discord",
		"version", version, "shards", len(c.shards), "guilds", c.guilds, "commands", c.commands, "simulate", c.simulate)
	if c.simulate > 0 {
		return newSwarm(h, c, logger).run(ctx)
	}
	return newBot(h, c, logger).run(ctx)
}

func newLogger(h host, format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(h.stderr, nil))
	}
	return slog.New(slog.NewTextHandler(h.stderr, nil))
}

// process is what a bot and a swarm have in common: work that goes on until the
// context ends, a page, and perhaps a crash.
type process struct {
	config   config
	clock    member.Clock
	logger   *slog.Logger
	registry *prometheus.Registry
	work     []func(ctx context.Context) error
	// leave says goodbye at an orderly end, once all work has ended.
	leave func(ctx context.Context)
}

func newBot(h host, c config, logger *slog.Logger) *process {
	var m *member.Member
	subsystems := map[string]func() bool{"server": func() bool { return true }}
	if c.fleet.Enabled() || c.fleetFault != nil {
		subsystems["fleet"] = func() bool { return m.State().Registered }
	}
	prefix := c.fleet.MetricPrefix
	registry := newRegistry(newCollector(newSimulation(c, c.cluster, h.clock.Now()), prefix, c.cluster, h.clock.Now), prefix, c.processMetrics, subsystems)
	m = member.New(c.fleet, member.Options{
		Snapshot: func() (fleetapi.Snapshot, error) { return member.SnapshotFrom(registry) },
		Version:  version,
		Logger:   logger,
		Clock:    h.clock,
	})
	return &process{
		config: c, clock: h.clock, logger: logger, registry: registry,
		work: []func(context.Context) error{m.Run}, leave: m.Leave,
	}
}

// run does the process's work until the context ends, which is success, or
// something fails.
func (p *process) run(ctx context.Context) error {
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	work := append([]func(context.Context) error{p.crash}, p.work...)
	if p.config.listen != "" {
		listener, err := net.Listen("tcp", p.config.listen)
		if err != nil {
			return &runError{fmt.Errorf("listening on %s: %w", p.config.listen, err)}
		}
		p.logger.Info("serving", "address", listener.Addr().String(), "metrics", p.config.metricsPath)
		handler := newHandler(p.config, p.registry, p.logger)
		work = append(work, func(ctx context.Context) error { return serve(ctx, listener, handler, p.logger) })
	}
	var group sync.WaitGroup
	for _, do := range work {
		group.Go(func() {
			if err := do(running); err != nil && !errors.Is(err, context.Canceled) {
				stop(&runError{err})
			}
		})
	}
	<-running.Done()
	group.Wait()
	if ctx.Err() != nil {
		p.leave(context.WithoutCancel(ctx))
		p.logger.Info("stopped")
		return nil
	}
	return context.Cause(running)
}

// crash ends the process as a fault of the bot's own code would, once its time has come.
func (p *process) crash(ctx context.Context) error {
	if p.config.crashAfter == 0 {
		return nil
	}
	if err := p.clock.Sleep(ctx, p.config.crashAfter); err != nil {
		return err
	}
	return fmt.Errorf("crashing after %s, as --crash-after asks", p.config.crashAfter)
}
