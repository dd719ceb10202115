// Package member is the bot's side of a fleet: it registers a bot process with
// a control plane and sends a heartbeat with the process's metrics for as long
// as it runs.
//
// It is fail-open. A control plane that is down, slow, hostile or wrongly
// configured costs the host one goroutine that waits and a log line a change,
// and nothing else: no call of this package blocks the host, panics into it or
// ends it.
//
// The usual way in is
//
//	config, err := member.ConfigFromEnv(os.LookupEnv, os.ReadFile)
//	...
//	m := member.New(config, member.Options{
//		Snapshot: func() (fleetapi.Snapshot, error) { return member.SnapshotFrom(registry) },
//		Logger:   logger,
//	})
//	go func() { _ = m.Run(ctx); close(ended) }()
//	... the host runs, and ctx ends ...
//	<-ended
//	m.Leave(context.Background()) // a second at the most
package member
