package main

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// simulation is a bot that does not exist. All of its values are functions of
// the time since it started and of its seed, so it needs no goroutine, no lock
// and no history: the same seed and the same moment give the same values.
type simulation struct {
	start    time.Time
	guilds   float64
	shards   []shard
	commands []command

	interactions flow
	gatewayLoad  flow
	rateLimits   flow
	growth       float64 // guilds gained an hour, as a fraction
	slow, fast   wave
}

// shard is one simulated gateway shard.
type shard struct {
	id          int
	connectedAt float64 // seconds after the start; +Inf: never
	latency     float64 // seconds, on average
	drift, beat wave
}

// command is one simulated slash command.
type command struct {
	name      string
	errorType string
	share     float64 // of all command invocations
	failures  float64 // fraction of invocations
	median    float64 // seconds
}

// newSimulation makes the bot of one cluster. Its cluster's name takes part in
// the seed, so that the clusters of one bot are not each other's copies.
func newSimulation(c config, cluster string, start time.Time) *simulation {
	digest := fnv.New64a()
	_, _ = digest.Write([]byte(cluster))
	random := rand.New(rand.NewPCG(c.seed, digest.Sum64())) //nolint:gosec // a simulation must be repeatable
	s := &simulation{
		start:        start,
		guilds:       float64(c.guilds),
		interactions: flow{rate: 0.002 * float64(c.guilds), depth: 0.4, wave: newWave(random, 400, 900)},
		gatewayLoad:  flow{rate: 0.05 * float64(c.guilds), depth: 0.3, wave: newWave(random, 300, 700)},
		rateLimits:   flow{rate: 0.001, depth: 0.9, wave: newWave(random, 600, 1200)},
		growth:       0.001 + 0.002*random.Float64(),
		slow:         newWave(random, 1500, 2400),
		fast:         newWave(random, 400, 700),
	}
	for position, id := range c.shards {
		s.shards = append(s.shards, newShard(random, id, c, position))
	}
	s.commands = newCommands(random, c.commands)
	return s
}

func newWave(random *rand.Rand, shortest, longest float64) wave {
	return wave{period: shortest + (longest-shortest)*random.Float64(), phase: 2 * math.Pi * random.Float64()}
}

// newShard makes a shard that connects in its turn, each a delay after the one
// before it, as identify limits make real ones do.
func newShard(random *rand.Rand, id int, c config, position int) shard {
	s := shard{
		id:          id,
		connectedAt: c.connectDelay.Seconds() * float64(position+1),
		latency:     0.03 + 0.06*random.Float64(),
		drift:       newWave(random, 120, 300),
		beat:        newWave(random, 11, 23),
	}
	if c.down[id] {
		s.connectedAt = math.Inf(1)
	}
	return s
}

// newCommands makes commands of which a few are used a lot and most a little.
func newCommands(random *rand.Rand, count int) []command {
	errorTypes := []string{"CommandInvokeError", "CheckFailure", "BotMissingPermissions"}
	commands := make([]command, count)
	total := 0.0
	for i := range commands {
		commands[i] = command{
			name:      commandName(i),
			errorType: errorTypes[random.IntN(len(errorTypes))],
			share:     1 / float64(i+1),
			failures:  0.01 * random.Float64(),
			median:    0.05 + 0.2*random.Float64(),
		}
		total += commands[i].share
	}
	for i := range commands {
		commands[i].share /= total
	}
	return commands
}

// at freezes the simulation at a moment.
func (s *simulation) at(now time.Time) moment {
	elapsed := max(now.Sub(s.start).Seconds(), 0)
	m := moment{simulation: s, elapsed: elapsed}
	for _, shard := range s.shards {
		if elapsed >= shard.connectedAt {
			m.connected++
			m.active += elapsed - shard.connectedAt
		}
	}
	m.active /= float64(len(s.shards))
	return m
}
