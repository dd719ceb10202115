package member

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// ErrorClass says in one word why the last call to the control plane failed.
// It is stable and bounded, so that it can be a metric's label.
type ErrorClass string

// The error classes.
const (
	// ErrorNone: the last call succeeded, or there was none yet.
	ErrorNone ErrorClass = ""
	// ErrorConfig: the control plane's URL or CA file cannot be used.
	ErrorConfig ErrorClass = "config"
	// ErrorCredential: the member's own token cannot be read.
	ErrorCredential ErrorClass = "credential"
	// ErrorUnreachable: no connection, or it broke.
	ErrorUnreachable ErrorClass = "unreachable"
	// ErrorTimeout: no answer in time.
	ErrorTimeout ErrorClass = "timeout"
	// ErrorTLS: the control plane's certificate is not to be trusted.
	ErrorTLS ErrorClass = "tls"
	// ErrorUnauthorized: the token was refused (401).
	ErrorUnauthorized ErrorClass = "unauthorized"
	// ErrorRefused: the fleet is full or closed to this member (403).
	ErrorRefused ErrorClass = "refused"
	// ErrorUnknown: the control plane does not know the member (404).
	ErrorUnknown ErrorClass = "unknown"
	// ErrorConflict: the identity is leased to another process (409).
	ErrorConflict ErrorClass = "conflict"
	// ErrorTooLarge: the snapshot exceeds what the control plane takes (413).
	ErrorTooLarge ErrorClass = "too_large"
	// ErrorRateLimited: too many calls (429).
	ErrorRateLimited ErrorClass = "rate_limited"
	// ErrorUnavailable: the control plane cannot serve now (5xx).
	ErrorUnavailable ErrorClass = "unavailable"
	// ErrorProtocol: any other answer, or one that cannot be understood.
	ErrorProtocol ErrorClass = "protocol"
	// ErrorInternal: a fault of this package or of the host's snapshot.
	ErrorInternal ErrorClass = "internal"
)

// credentialError is a token that could not be read, configError a control
// plane that cannot even be called, internalError a fault of this side.
type (
	credentialError struct{ error }
	configError     struct{ error }
	internalError   struct{ error }
)

func (e *credentialError) Unwrap() error { return e.error }
func (e *configError) Unwrap() error     { return e.error }
func (e *internalError) Unwrap() error   { return e.error }

// recovered turns a panic into an error.
func recovered(what string, value any) error {
	return &internalError{fmt.Errorf("%s panicked: %v", what, value)}
}

// classify returns the class of an error of a call.
func classify(err error) ErrorClass {
	if err == nil {
		return ErrorNone
	}
	if status, ok := errors.AsType[*fleetapi.StatusError](err); ok {
		return classifyStatus(status.Code)
	}
	if class := classifyOurs(err); class != ErrorNone {
		return class
	}
	return classifyTransport(err)
}

// classifyOurs knows the faults of this side.
func classifyOurs(err error) ErrorClass {
	if _, ok := errors.AsType[*credentialError](err); ok {
		return ErrorCredential
	}
	if _, ok := errors.AsType[*configError](err); ok {
		return ErrorConfig
	}
	if _, ok := errors.AsType[*internalError](err); ok {
		return ErrorInternal
	}
	return ErrorNone
}

func classifyTransport(err error) ErrorClass {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return ErrorTLS
	}
	network, isNetwork := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || isNetwork && network.Timeout():
		return ErrorTimeout
	case isNetwork || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return ErrorUnreachable
	}
	return ErrorProtocol
}

func classifyStatus(code int) ErrorClass {
	switch code {
	case http.StatusUnauthorized:
		return ErrorUnauthorized
	case http.StatusForbidden:
		return ErrorRefused
	case http.StatusNotFound:
		return ErrorUnknown
	case http.StatusConflict:
		return ErrorConflict
	case http.StatusRequestEntityTooLarge:
		return ErrorTooLarge
	case http.StatusTooManyRequests:
		return ErrorRateLimited
	}
	if code >= http.StatusInternalServerError {
		return ErrorUnavailable
	}
	return ErrorProtocol
}
