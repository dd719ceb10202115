package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/sample"
)

// beatInterval is that of argus-dpy's members.
const beatInterval = 15 * time.Second

// crowd is a fleet whose members beat at their own pace.
type crowd struct {
	what                 string
	shape                sample.Shape
	members, connections int
	// patience bounds the 99th percentile of a beat's time, and memory the
	// server's at its highest, in MB.
	patience time.Duration
	memory   float64
}

func (b *bench) members(ctx context.Context) error {
	for _, c := range []crowd{
		{"5,000 real members", sample.Real(), 5000, 5000, 20 * time.Millisecond, 200},
		{"100,000 lean members over 64 connections", sample.Lean(), 100_000, 64, 50 * time.Millisecond, 1500},
	} {
		if err := b.watchCrowd(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
	}
	return nil
}

func (b *bench) watchCrowd(ctx context.Context, c crowd) error {
	allowFiles()
	fleet, err := b.startFleet(ctx, filepath.Join(b.scratch, fmt.Sprintf("crowd-%d.db", c.members)))
	if err != nil {
		return err
	}
	crew, err := hire(ctx, fleet.address, c.connections)
	if err != nil {
		return err
	}
	defer crew.dismiss()
	leases, err := crew.join(c.members)
	if err != nil {
		return err
	}
	w := watch{crowd: c, leases: leases, turn: make(chan struct{}, connections), took: make([][]time.Duration, c.connections)}
	for round := range 4 {
		w.beats = append(w.beats, newTemplate(c.shape, round))
	}
	if err := crew.each(w.warmUp); err != nil {
		return err
	}
	before, err := fleet.usage().CPU()
	if err != nil {
		return err
	}
	w.begun, w.length = time.Now().Add(time.Second), b.watch
	if err := crew.each(w.keepPace); err != nil {
		return err
	}
	if err := b.reportCrowd(fleet, &w, before); err != nil {
		return err
	}
	took, err := fleet.stop()
	b.table.AtMost(c.what+": stop", took.Seconds(), 1, "s")
	return err
}

func (b *bench) reportCrowd(fleet *server, w *watch, before time.Duration) error {
	after, err := fleet.usage().CPU()
	if err != nil {
		return err
	}
	memory, err := fleet.usage().Highest()
	if err != nil {
		return err
	}
	took := slices.Concat(w.took...)
	slices.Sort(took)
	at := func(share float64) float64 { return took[int(share*float64(len(took)-1))].Seconds() * 1e3 }
	what := fmt.Sprintf("%s every %s: ", w.what, beatInterval)
	b.table.Note(what+"beats", float64(len(took))/w.length.Seconds(), "/s")
	b.table.Note(what+"median", at(0.5), "ms")
	b.table.AtMost(what+"99th percentile", at(0.99), w.patience.Seconds()*1e3, "ms")
	b.table.Note(what+"longest", at(1), "ms")
	b.table.Note(what+"CPU for each", float64((after-before).Microseconds())/float64(len(took)), "us")
	b.table.AtMost(what+"highest memory", memory/1e6, w.memory, "MB")
	return nil
}

// watch is a crowd while it is watched. Connection n serves the members n,
// n+connections and so on.
type watch struct {
	crowd
	leases []string
	beats  []template // of the first rounds; then they repeat
	turn   chan struct{}
	begun  time.Time
	length time.Duration
	// took is how long beats took, by connection: from the moment that each was
	// due, so that a beat that waits for those before it is not flattered.
	took [][]time.Duration
}

// warmUp lets every member beat once, as fast as possible but only so many at a
// time: the first beat confirms a lease, which goes onto the disk.
func (w *watch) warmUp(place int, m *member) error {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	for i := place; i < w.members; i += w.connections {
		if err := m.expect(w.beats[0].of(identityOf(i), w.leases[i]), " 204 "); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) keepPace(place int, m *member) error {
	for round := 1; ; round++ {
		for i := place; i < w.members; i += w.connections {
			sinceBegun := time.Duration(round-1)*beatInterval + beatInterval*time.Duration(i)/time.Duration(w.members)
			if sinceBegun >= w.length {
				return nil
			}
			request := w.beats[round%len(w.beats)].of(identityOf(i), w.leases[i])
			due := w.begun.Add(sinceBegun)
			time.Sleep(time.Until(due))
			if err := m.expect(request, " 204 "); err != nil {
				return err
			}
			w.took[place] = append(w.took[place], time.Since(due))
		}
	}
}

// template is a heartbeat of anybody: whoever sends it is filled in, which is
// much less work than to write it anew.
type template struct {
	request []byte
	lease   int // its place
}

func newTemplate(shape sample.Shape, round int) template {
	whole := request(fleetapi.PathHeartbeat, shape.Heartbeat(anyIdentity(), anyLease, round))
	return template{whole, bytes.Index(whole, []byte(anyLease))}
}

// anyIdentity is as long as every identity.
func anyIdentity() string { return strings.Repeat("?", len(identityOf(0))) }

func (t template) of(identity, lease string) []byte {
	filled := bytes.ReplaceAll(t.request, []byte(anyIdentity()), []byte(identity))
	copy(filled[t.lease:], lease)
	return filled
}
