package main

import "strconv"

// commandName returns the name of the i-th command: a plausible one first, then numbered ones.
func commandName(i int) string {
	names := [...]string{
		"ping", "help", "play", "skip", "queue", "ban", "kick", "mute", "warn", "purge",
		"rank", "daily", "balance", "shop", "profile", "poll", "remind", "settings", "invite", "stats",
	}
	if i < len(names) {
		return names[i]
	}
	return "command-" + strconv.Itoa(i)
}
