package analytics

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Refusals of a question, before anything is asked.
var (
	// ErrNoViewerToken means that nothing would keep strangers from asking.
	ErrNoViewerToken = errors.New("analytics requires a viewer token")
	// ErrGuildRequired and the two below are faults of the request.
	ErrGuildRequired = errors.New("guild_id required")
	ErrGuild         = errors.New("guild_id must be text of at most 128 characters")
	ErrCluster       = errors.New("cluster must be text of at most 128 characters")
)

// Kinds of a *QueryError, for errors.Is. Their texts are fit for a client.
var (
	// ErrUnreachable means that ClickHouse is down, or too slow; it may answer later.
	ErrUnreachable = errors.New("analytics database cannot be reached, try again later")
	// ErrAnswer means that ClickHouse answered, but not the question.
	ErrAnswer = errors.New("analytics database did not answer the question")
)

// QueryError says why ClickHouse left a question unanswered. Its text is for
// the log. It is put together from words of our own and the kinds of error that
// quote nothing: what was sent (credentials, a guild) and what came back never
// are in it.
type QueryError struct {
	// Question is the last element of the question's path.
	Question string
	// Kind is ErrUnreachable or ErrAnswer.
	Kind   error
	detail string
}

// Error names the question, the kind and the detail.
func (e *QueryError) Error() string {
	return fmt.Sprintf("asking ClickHouse for %s: %s", e.Question, e.detail)
}

// Unwrap returns the kind.
func (e *QueryError) Unwrap() error { return e.Kind }

// unanswered is a QueryError whose question is filled in by Client.explain.
func unanswered(detail string) *QueryError { return &QueryError{Kind: ErrAnswer, detail: detail} }

// exception is an error that ClickHouse reports: its number, and what that
// means where an administrator can do something about it.
func exception(code string) *QueryError {
	meanings := map[string]string{
		"47":  "a column of argus_events is missing",
		"60":  "there is no table argus_events: no bot has written an event yet, or the database is another one",
		"81":  "there is no such database",
		"159": "the query took too long",
		"192": "there is no such user",
		"193": "the password is wrong",
		"241": "the query needs too much memory",
		"497": "the user may not read argus_events",
		"516": "the user or the password is wrong",
	}
	detail := "exception " + code
	if meaning, ok := meanings[code]; ok {
		detail += ": " + meaning
	}
	return unanswered(detail)
}

// transportDetail says why there was no reply, or not all of one.
func transportDetail(err error, timeout time.Duration) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", timeout)
	}
	if network, ok := errors.AsType[*net.OpError](err); ok {
		return network.Error()
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificate.Error()
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return http.ErrSchemeMismatch.Error()
	}
	return "the connection was cut, or what came is no HTTP"
}
