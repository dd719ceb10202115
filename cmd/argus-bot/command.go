package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/member"
)

// envPrefix in front of a flag's name in capitals is the variable that sets it,
// since a custom resource can set a container's environment more easily than its
// arguments. The flag itself wins.
const envPrefix = "BOT_"

// settings are what the flags say.
type settings struct {
	guilds       int
	commands     int
	shards       int
	shardDown    []int
	connectDelay time.Duration
	crashAfter   time.Duration
	simulate     int
	seed         uint64
	noTokenFiles bool
}

func newCommand(h host) *cobra.Command {
	var s settings
	command := &cobra.Command{
		Use:   "argus-bot",
		Short: "A simulated Discord bot that joins an Argus fleet",
		Long: "A simulated Discord bot that joins an Argus fleet. It reads the environment of a real\n" +
			"containerised bot (DISCORD_TOKEN, SHARD_IDS, SHARD_COUNT, ARGUS_*) and connects to\n" +
			"nothing but its fleet control plane. Each flag is also read from BOT_<FLAG>.",
		Args:          cobra.NoArgs,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		PreRunE:       func(command *cobra.Command, _ []string) error { return flagsFromEnv(command.Flags(), h.lookup) },
		RunE: func(command *cobra.Command, _ []string) error {
			c, err := resolve(s, command.Flags().Changed("shards"), h.lookup, h.readFile)
			if err != nil {
				return err
			}
			return start(command.Context(), h, c)
		},
	}
	command.SetOut(h.stdout)
	command.SetErr(h.stderr)
	s.bind(command.Flags())
	return command
}

func (s *settings) bind(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.IntVar(&s.guilds, "guilds", 250, "guilds of the process, spread over its shards")
	flags.IntVar(&s.commands, "commands", 8, "distinct commands in use; each adds about 2 KiB to a heartbeat")
	flags.IntVar(&s.shards, "shards", 1, "gateway shards, if SHARD_IDS does not list them")
	flags.IntSliceVar(&s.shardDown, "shard-down", nil, "ids of shards that never connect")
	flags.DurationVar(&s.connectDelay, "connect-delay", 0, "time from one shard's connection to the next, as a gateway's identify limit enforces")
	flags.DurationVar(&s.crashAfter, "crash-after", 0, "exit with status 1 after this time; 0 means never")
	flags.IntVar(&s.simulate, "simulate", 0, "run as so many members <identity>-0, <identity>-1, ... in one process; 0 means as one bot")
	flags.Uint64Var(&s.seed, "seed", 1, "seed of the simulated values")
	flags.BoolVar(&s.noTokenFiles, "no-token-files", false, "take the fleet's token from "+fleetapi.EnvFleetToken+" alone, as argus-dpy 0.4.2 and older do")
}

// flagsFromEnv sets each flag that the command line does not from its variable.
func flagsFromEnv(flags *pflag.FlagSet, lookup member.LookupFunc) error {
	var faults []error
	flags.VisitAll(func(flag *pflag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		value, _ := lookup(name)
		if value == "" || flag.Changed || flag.Name == "help" || flag.Name == "version" {
			return
		}
		if err := flags.Set(flag.Name, value); err != nil {
			faults = append(faults, fmt.Errorf("%s=%q: must be of type %s", name, value, flag.Value.Type()))
		}
	})
	return errors.Join(faults...)
}
