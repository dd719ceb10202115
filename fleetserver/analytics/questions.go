package analytics

import (
	"context"
	"encoding/json"
	"strings"
)

// Questions, as the last elements of their paths and in errors.
const (
	InteractionVolume = "interaction-volume"
	TopCommands       = "top-commands"
	CommandStats      = "command-stats"
	AvgDuration       = "avg-duration"
)

// The queries hold no value of a request, only the names of its parameters.
// whose stands for the conditions on the guild and the cluster.
const (
	whose = "WHERE guild_id = {guild_id:String}"

	// A successful command is also an interaction, so one kind of event counts.
	// The first condition on the time is on the table's key, the second sorts
	// out what is no time at all. Days are UTC's, wherever the server stands.
	volumeQuery = "SELECT toDate(parseDateTimeBestEffortOrNull(ts, 'UTC'), 'UTC') AS day, count() AS interactions FROM argus_events " +
		whose + " AND event = 'interaction' AND ts >= toString(toDate(now(), 'UTC') - 29) AND day >= toDate(now(), 'UTC') - 29 " +
		"GROUP BY day ORDER BY day LIMIT 31"
	topQuery = "SELECT command, count() AS runs FROM argus_events " +
		whose + " AND event = 'app_command' GROUP BY command ORDER BY runs DESC, command LIMIT 10"
	statsQuery = "SELECT command, count() AS runs, avg(duration_ms) AS avg_ms FROM argus_events " +
		whose + " AND event = 'app_command' GROUP BY command ORDER BY runs DESC, command LIMIT 50"
	durationQuery = "SELECT avg(duration_ms) AS avg_ms FROM argus_events " +
		whose + " AND event = 'app_command'"
)

// statement is a query for a request, with the condition on the cluster if it names one.
func statement(query string, r Request) string {
	if r.cluster == "" {
		return query
	}
	return strings.Replace(query, whose, whose+" AND cluster_id = {cluster:String}", 1)
}

// Rows is the reply to a question with rows; on the wire each row is a list.
type Rows[Row any] struct {
	Rows []Row `json:"rows"`
}

// DayVolume is a UTC day (2026-06-17) and its interactions: [day, count].
type DayVolume struct {
	Day          string
	Interactions uint64
}

// MarshalJSON writes the row as a list.
func (v DayVolume) MarshalJSON() ([]byte, error) { return json.Marshal([]any{v.Day, v.Interactions}) }

// CommandCount is a command and how often it succeeded: [command, count].
type CommandCount struct {
	Command string
	Runs    uint64
}

// MarshalJSON writes the row as a list.
func (c CommandCount) MarshalJSON() ([]byte, error) { return json.Marshal([]any{c.Command, c.Runs}) }

// CommandStat is a command, how often it succeeded, and its mean duration in
// milliseconds: [command, count, avg_ms].
type CommandStat struct {
	Command string
	Runs    uint64
	AvgMS   float64
}

// MarshalJSON writes the row as a list.
func (c CommandStat) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{c.Command, c.Runs, c.AvgMS})
}

// Average is the mean duration of the guild's commands in milliseconds, 0 if
// there were none.
type Average struct {
	AvgMS float64 `json:"avg_ms"`
}

// InteractionVolume counts the guild's interactions of each of the last 30 UTC
// days that has any, oldest first. Like all questions it fails with
// ErrNoViewerToken or ErrGuildRequired for a Request that Client.Request did
// not make, with the context's error, or with a *QueryError.
func (c *Client) InteractionVolume(ctx context.Context, r Request) (Rows[DayVolume], error) {
	return ask(ctx, c, InteractionVolume, volumeQuery, r, func(row *cells) DayVolume {
		return DayVolume{row.text(), row.count()}
	})
}

// TopCommands are the guild's ten most used commands, most used first.
func (c *Client) TopCommands(ctx context.Context, r Request) (Rows[CommandCount], error) {
	return ask(ctx, c, TopCommands, topQuery, r, func(row *cells) CommandCount {
		return CommandCount{row.text(), row.count()}
	})
}

// CommandStats are the guild's fifty most used commands, most used first.
func (c *Client) CommandStats(ctx context.Context, r Request) (Rows[CommandStat], error) {
	return ask(ctx, c, CommandStats, statsQuery, r, func(row *cells) CommandStat {
		return CommandStat{row.text(), row.count(), row.number()}
	})
}

// AvgDuration is the mean duration of all the guild's commands.
func (c *Client) AvgDuration(ctx context.Context, r Request) (Average, error) {
	rows, err := ask(ctx, c, AvgDuration, durationQuery, r, (*cells).number)
	if err != nil || len(rows.Rows) == 0 {
		return Average{}, err
	}
	return Average{rows.Rows[0]}, nil
}
