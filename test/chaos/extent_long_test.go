//go:build long

package chaos

// worlds is how many state files the crash test starts from nothing; each is
// killed importKills and trafficKills times.
const worlds = 20
