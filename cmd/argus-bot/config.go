package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/member"
)

const (
	envDiscordToken = "DISCORD_TOKEN"

	// Bounds on what a simulation may be asked for.
	maxGuilds   = 100_000_000
	maxCommands = 10_000
	maxSimulate = 1_000_000

	// defaultCluster is the cluster label of a bot that was given no id, and
	// defaultSwarm the prefix of simulated members' identities then.
	defaultCluster = "default"
	defaultSwarm   = "sim"
)

// config is everything the bot was told, checked.
type config struct {
	// cluster is the value of the cluster label.
	cluster string
	shards  []int
	// down holds the ids of shards that never connect.
	down         map[int]bool
	guilds       int
	commands     int
	connectDelay time.Duration
	crashAfter   time.Duration
	simulate     int
	seed         uint64

	// listen is the address of the HTTP server, empty for none.
	listen         string
	metricsPath    string
	dashboard      bool
	metricsToken   func() (string, error)
	dashboardToken func() (string, error)
	processMetrics bool
	logFormat      string

	fleet member.Config
	// fleetFault is why the fleet cannot be joined; a bot runs without it.
	fleetFault error
}

// environment reads variables, of which an empty one counts as unset.
type environment struct {
	lookup   member.LookupFunc
	readFile member.ReadFileFunc
}

// get returns the first of the variables that is set, or "".
func (e environment) get(names ...string) string {
	for _, name := range names {
		if value, _ := e.lookup(name); value != "" {
			return value
		}
	}
	return ""
}

func (e environment) secret(name string) func() (string, error) {
	return member.SecretFromEnv(e.lookup, e.readFile, name)
}

// resolve checks flags and environment together. Its error names what is wrong, a line each.
func resolve(s settings, shardsGiven bool, lookup member.LookupFunc, readFile member.ReadFileFunc) (config, error) {
	if err := s.check(); err != nil {
		return config{}, err
	}
	env := environment{lookup, readFile}
	token, err := env.secret(envDiscordToken)()
	switch {
	case err != nil:
		return config{}, fmt.Errorf("no Discord token: %w", err)
	case token == "":
		return config{}, fmt.Errorf("no Discord token: set %[1]s, or %[1]s%[2]s to the name of a file that holds it", envDiscordToken, fleetapi.FileSuffix)
	}
	c := config{
		guilds: s.guilds, commands: s.commands, connectDelay: s.connectDelay, crashAfter: s.crashAfter, simulate: s.simulate, seed: s.seed,
		down:           map[int]bool{},
		metricsToken:   env.secret(fleetapi.EnvMemberMetricsToken),
		dashboardToken: env.secret(fleetapi.EnvMemberDashboardToken),
	}
	for _, id := range s.shardDown {
		c.down[id] = true
	}
	c.fleet, c.fleetFault = member.ConfigFromEnv(s.fleetLookup(lookup), readFile)
	var shardsErr error
	c.shards, shardsErr = shardIDs(env, s.shards, shardsGiven)
	return c, errors.Join(shardsErr, c.readServer(env), c.readToggles(env), c.readCluster(env))
}

// fleetLookup is what the member sees of the environment.
func (s settings) fleetLookup(lookup member.LookupFunc) member.LookupFunc {
	common := withCommonClusterID(lookup)
	if !s.noTokenFiles {
		return common
	}
	return func(name string) (string, bool) {
		if name == fleetapi.EnvFleetToken+fleetapi.FileSuffix {
			return "", false
		}
		return common(name)
	}
}

// withCommonClusterID lets CLUSTER_ID, which common bot code reads, stand in
// for ARGUS_CLUSTER_ID.
func withCommonClusterID(lookup member.LookupFunc) member.LookupFunc {
	return func(name string) (string, bool) {
		value, set := lookup(name)
		if name == fleetapi.EnvMemberClusterID && value == "" {
			return lookup(fleetapi.EnvMemberCommonClusterID)
		}
		return value, set
	}
}

func (s settings) check() error {
	var faults []error
	for _, bound := range []struct {
		flag     string
		value    int
		from, to int
	}{
		{"guilds", s.guilds, 0, maxGuilds},
		{"commands", s.commands, 0, maxCommands},
		{"shards", s.shards, 1, maxShards},
		{"simulate", s.simulate, 0, maxSimulate},
	} {
		if bound.value < bound.from || bound.value > bound.to {
			faults = append(faults, fmt.Errorf("--%s=%d: must be from %d to %d", bound.flag, bound.value, bound.from, bound.to))
		}
	}
	if s.connectDelay < 0 {
		faults = append(faults, fmt.Errorf("--connect-delay=%s: must not be negative", s.connectDelay))
	}
	if s.crashAfter < 0 {
		faults = append(faults, fmt.Errorf("--crash-after=%s: must not be negative", s.crashAfter))
	}
	return errors.Join(faults...)
}

// readServer reads where to listen. A swarm of simulated members has no page of
// its own that anybody would expect, so it serves one only if it is given a port.
func (c *config) readServer(env environment) error {
	c.metricsPath = "/" + strings.TrimPrefix(env.get(fleetapi.EnvMemberMetricsPath), "/")
	if c.metricsPath == "/" {
		c.metricsPath = fleetapi.PathMetrics
	}
	if c.metricsPath == fleetapi.PathHealthz || c.metricsPath == pathBotConfig {
		return fmt.Errorf("%s=%q: is taken", fleetapi.EnvMemberMetricsPath, c.metricsPath)
	}
	port := env.get(fleetapi.EnvMemberPort, "SERVER_PORT", "PORT")
	if port == "" && c.simulate > 0 {
		return nil
	}
	if port == "" {
		port = strconv.Itoa(fleetapi.DefaultBotPort)
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s=%q: must be a port from 0 to 65535", fleetapi.EnvMemberPort, port)
	} else if number == 0 {
		port = "0"
	}
	c.listen = net.JoinHostPort(env.get(fleetapi.EnvMemberHost, "SERVER_IP"), port)
	return nil
}

func (c *config) readToggles(env environment) error {
	var dashboardErr, processErr, formatErr error
	c.dashboard, dashboardErr = toggle(env, fleetapi.EnvMemberDashboard)
	c.processMetrics, processErr = toggle(env, fleetapi.EnvMemberProcessMetrics)
	c.logFormat = env.get(fleetapi.EnvMemberLogFormat)
	if c.logFormat != "" && c.logFormat != "text" && c.logFormat != "json" {
		formatErr = fmt.Errorf("%s=%q: must be text or json", fleetapi.EnvMemberLogFormat, c.logFormat)
	}
	return errors.Join(dashboardErr, processErr, formatErr)
}

// toggle reads a variable that is on unless it says otherwise.
func toggle(env environment, name string) (bool, error) {
	value := env.get(name)
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "", "1", "true", "yes", "on":
		return true, nil
	case "0", "false", "no", "off":
		return false, nil
	}
	return false, fmt.Errorf("%s=%q: must be 1, true, yes, on, 0, false, no or off", name, value)
}

func (c *config) readCluster(env environment) error {
	c.cluster = env.get(fleetapi.EnvMemberClusterID, fleetapi.EnvMemberCommonClusterID)
	if c.simulate > 0 {
		if c.fleet.Identity == "" {
			c.fleet.Identity = defaultSwarm
		}
		if env.get(fleetapi.EnvMemberStateDir) == "" {
			c.fleet.StateDir = "" // thousands of lease files in the working directory help nobody
		}
		if !c.fleet.Enabled() && c.fleetFault == nil {
			return fmt.Errorf("--simulate=%d: needs %s", c.simulate, fleetapi.EnvMemberFleetURL)
		}
		return c.fleetFault
	}
	if c.cluster == "" {
		c.cluster = defaultCluster
	}
	return nil
}
