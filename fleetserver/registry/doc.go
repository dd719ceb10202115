// Package registry knows who is in the fleet: identities, their numbers and
// leases, and whether they live. It is pure and in memory; the clock is injected.
//
// What must survive a crash changes in two steps. A method drafts a Change,
// which nobody can see yet; the caller makes it durable and then calls Apply,
// or Abort when that failed. One identity has one draft at a time, so a later
// draft always starts from what the disk holds. Numbers and leases that were
// drawn for an aborted draft are burnt: they are never given to anybody.
package registry
