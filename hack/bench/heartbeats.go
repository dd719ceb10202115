package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/sample"
)

const (
	// connections is how many members beat at once.
	connections = 32
	// turns is how often each server has its turn.
	turns = 5
	// anyLease is as long as a lease.
	anyLease = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
)

// contender is one of the two servers with its members.
type contender struct {
	*server
	crew     *crew
	requests [][]byte
	beats    int
	busy     time.Duration
	cpu      time.Duration
}

// heartbeats compares argus-fleet with a bare handler, turn and turn about.
func (b *bench) heartbeats(ctx context.Context) error {
	fleet, err := b.startFleet(ctx, filepath.Join(b.scratch, "heartbeats.db"))
	if err != nil {
		return err
	}
	bare, err := startBare(ctx)
	if err != nil {
		return err
	}
	for _, shape := range []struct {
		name string
		sample.Shape
	}{{"lean", sample.Lean()}, {"real", sample.Real()}} {
		if err := b.compare(ctx, shape.name, shape.Shape, fleet, bare); err != nil {
			return err
		}
	}
	_, fleetErr := fleet.stop()
	_, bareErr := bare.stop()
	return errors.Join(fleetErr, bareErr)
}

func (b *bench) compare(ctx context.Context, name string, shape sample.Shape, fleet, bare *server) error {
	ours, err := enter(ctx, fleet, shape, fleetapi.PathHeartbeat)
	if err != nil {
		return err
	}
	defer ours.crew.dismiss()
	theirs, err := enter(ctx, bare, shape, "/")
	if err != nil {
		return err
	}
	defer theirs.crew.dismiss()
	discarding, err := enter(ctx, bare, shape, pathDiscard)
	if err != nil {
		return err
	}
	defer discarding.crew.dismiss()
	for range turns {
		for _, c := range []*contender{theirs, discarding, ours} {
			if err := c.turn(ctx, b.turn); err != nil {
				return err
			}
		}
	}
	size := len(shape.Heartbeat("bench-0", anyLease, 0))
	what := fmt.Sprintf("%s heartbeat (%.1f KiB): ", name, float64(size)/1024)
	b.table.Note(what+"bare handler", theirs.rate(), "/s")
	b.table.Note(what+"bare handler that discards", discarding.rate(), "/s")
	b.table.Note(what+"argus-fleet", ours.rate(), "/s")
	b.table.AtLeast(what+"throughput", ours.rate()/theirs.rate(), 0.75, "x bare")
	b.table.Note(what+"CPU of the bare handler", theirs.cost(), "us")
	b.table.Note(what+"CPU of one that discards", discarding.cost(), "us")
	b.table.Note(what+"CPU of argus-fleet", ours.cost(), "us")
	b.table.AtMost(what+"CPU", ours.cost()/theirs.cost(), 1.5, "x bare")
	return nil
}

// enter connects the members of a server, registered where it wants them to be.
func enter(ctx context.Context, s *server, shape sample.Shape, path string) (*contender, error) {
	crew, err := hire(ctx, s.address, connections)
	if err != nil {
		return nil, err
	}
	c := &contender{server: s, crew: crew, requests: make([][]byte, connections)}
	err = crew.each(func(place int, m *member) (err error) {
		identity, lease := "bench-"+strconv.Itoa(place), anyLease
		if path == fleetapi.PathHeartbeat {
			lease, err = m.register(identity)
		}
		c.requests[place] = request(path, shape.Heartbeat(identity, lease, 1))
		return err
	})
	if err != nil {
		crew.dismiss()
		return nil, err
	}
	return c, nil
}

func (c *contender) turn(ctx context.Context, length time.Duration) error {
	before, err := c.server.usage().CPU()
	if err != nil {
		return err
	}
	begun := time.Now()
	beats, err := c.crew.work(ctx, c.requests, length)
	if err != nil {
		return err
	}
	c.busy += time.Since(begun)
	after, err := c.server.usage().CPU()
	c.beats += beats
	c.cpu += after - before
	return err
}

func (c *contender) rate() float64 { return float64(c.beats) / c.busy.Seconds() }

// cost is in microseconds of processor time for each beat.
func (c *contender) cost() float64 { return float64(c.cpu.Microseconds()) / float64(c.beats) }
