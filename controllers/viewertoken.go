package controllers

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// tokenSource is where a viewer token is read from.
type tokenSource struct {
	namespace string
	viewer    v1alpha1.SecretKeyRef
}

func tokenSourceOf(source FleetSource) tokenSource {
	return tokenSource{source.Namespace, source.Viewer}
}

// token is the viewer token as it was read last, or "". All who ask with the same
// Secret share it, so that one who has read a rotated one has read it for all.
func (p *FleetPoller) token(source FleetSource) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tokens[tokenSourceOf(source)]
}

func (p *FleetPoller) readToken(ctx context.Context, source FleetSource) (string, error) {
	token, err := viewerToken(ctx, p.secrets, source)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		delete(p.tokens, tokenSourceOf(source))
		return "", err
	}
	p.tokens[tokenSourceOf(source)] = token
	return token, nil
}

// viewerToken reads the token that opens a control plane.
func viewerToken(ctx context.Context, secrets client.Reader, source FleetSource) (string, error) {
	var secret corev1.Secret
	err := secrets.Get(ctx, types.NamespacedName{Namespace: source.Namespace, Name: source.Viewer.Name}, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return "", &askError{message: fmt.Sprintf("viewer token: Secret %q does not exist", source.Viewer.Name), cause: err}
	case err != nil:
		return "", &askError{message: fmt.Sprintf("viewer token: Secret %q cannot be read", source.Viewer.Name), cause: err}
	}
	token := tokens.First(secret.Data[source.Viewer.Key])
	if token == "" {
		return "", &askError{message: fmt.Sprintf("viewer token: Secret %q has no key %q, or it is empty", source.Viewer.Name, source.Viewer.Key)}
	}
	return token, nil
}

// askError says why a control plane could not be read in words that stay the same
// from one try to the next: without addresses, ports and timings. The cause, which
// has them, is for the log.
type askError struct {
	message string
	cause   error
}

func (e *askError) Error() string { return e.message }
func (e *askError) Unwrap() error { return e.cause }

// stable makes sure that what reaches a condition was made for it.
func stable(err error) error {
	if _, ok := errors.AsType[*askError](err); ok {
		return err
	}
	return &askError{message: "the control plane cannot be read", cause: err}
}

// causeOf is what lies behind an error whose own text is made for a condition.
func causeOf(err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		return cause
	}
	return err
}
