package main

import "math"

// moment is a simulation at one time.
type moment struct {
	*simulation
	// elapsed is the time since the start, in seconds.
	elapsed float64
	// connected is how many shards are connected, and active how long, in
	// seconds, the average shard has been: what happens in guilds happens only
	// while their shard is there.
	connected int
	active    float64
}

// guildCount is a count that grows slowly and wobbles a little; the guilds of a
// shard that is not connected are not seen.
func (m moment) guildCount() float64 {
	seen := m.guilds * float64(m.connected) / float64(len(m.shards))
	return math.Round(seen * (1 + m.growth*m.elapsed/3600 + 0.001*m.slow.at(m.elapsed)))
}

func (m moment) cachedUsers() float64 {
	return math.Round(m.guildCount() * 48.7 * (1 + 0.01*m.fast.at(m.elapsed)))
}

func (m moment) voiceClients() float64 {
	return math.Round(m.guildCount() * 0.004 * (1 + 0.5*m.fast.at(m.elapsed)))
}

func (m moment) up(s shard) bool { return m.elapsed >= s.connectedAt }

// latencyOf is a shard's heartbeat latency in seconds.
func (m moment) latencyOf(s shard) float64 {
	return s.latency * (1 + 0.15*s.drift.at(m.elapsed) + 0.05*s.beat.at(m.elapsed))
}

// interactionKinds returns each kind of interaction with its share of all.
func interactionKinds() map[string]float64 {
	return map[string]float64{
		kindCommand: 0.7, "message_component": 0.2, "autocomplete": 0.07, "modal_submit": 0.03,
	}
}

const kindCommand = "application_command"

func (m moment) interactionCount(share float64) float64 {
	return math.Floor(share * m.interactions.at(m.active))
}

// gatewayEvents returns each gateway event with its share of the load.
func gatewayEvents() map[string]float64 {
	return map[string]float64{
		"MESSAGE_CREATE": 0.6, "PRESENCE_UPDATE": 0.25, "TYPING_START": 0.1, "VOICE_STATE_UPDATE": 0.03, "GUILD_MEMBER_ADD": 0.02,
	}
}

func (m moment) gatewayEventCount(share float64) float64 {
	return math.Floor(share * m.gatewayLoad.at(m.active))
}

func (m moment) rateLimitCount() float64 { return math.Floor(m.rateLimits.at(m.active)) }

// invocations returns how often a command succeeded and failed. Their sum over
// all commands is what came in as command interactions, but for rounding.
func (m moment) invocations(c command) (succeeded, failed float64) {
	total := math.Floor(c.share * interactionKinds()[kindCommand] * m.interactions.at(m.active))
	failed = math.Floor(total * c.failures)
	return total - failed, failed
}

// durationSteepness is how closely durations crowd around their median.
const durationSteepness = 2.5

// durations returns the histogram of a command's durations after so many
// invocations: a log-logistic distribution, whose cumulative counts can be
// written down and never fall. Keys are upper bounds in seconds.
func (c command) durations(count float64) (buckets map[float64]uint64, sum float64) {
	buckets = make(map[float64]uint64, 8)
	for _, bound := range durationBounds() {
		below := 1 / (1 + math.Pow(c.median/bound, durationSteepness))
		buckets[bound] = uint64(math.Round(count * below)) // rounded, so that a first slow one does not look endless
	}
	angle := math.Pi / durationSteepness
	return buckets, count * c.median * angle / math.Sin(angle)
}

// durationBounds are the buckets of a bot's command durations, in seconds.
func durationBounds() []float64 { return []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10} }
