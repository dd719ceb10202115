package controllers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// trustOf is how a control plane's certificate is verified: nil for the public
// authorities, else by those that the source names and no others.
func trustOf(ctx context.Context, reader client.Reader, source FleetSource) (*tls.Config, error) {
	if source.CA == (Authority{}) {
		return nil, nil //nolint:nilnil // nil is what the client takes for the public authorities
	}
	from := inputSource{source.CA.Kind, source.CA.Name}
	data, err := readData(ctx, reader, source.Namespace, from)
	switch {
	case apierrors.IsNotFound(err):
		return nil, &askError{message: fmt.Sprintf("certificate authority: %s %q does not exist", from.kind, from.name), cause: err}
	case err != nil:
		return nil, &askError{message: fmt.Sprintf("certificate authority: %s %q cannot be read", from.kind, from.name), cause: err}
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data[source.CA.Key]) {
		return nil, &askError{message: fmt.Sprintf("certificate authority: %s %q holds no certificate in PEM under the key %q", from.kind, from.name, source.CA.Key)}
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// certificateProblem says why a certificate was not trusted, without names and times
// that change.
func certificateProblem(untrusted *tls.CertificateVerificationError, source FleetSource) string {
	by := "a public authority"
	if source.CA != (Authority{}) {
		by = fmt.Sprintf("the authority in %s %q", source.CA.Kind, source.CA.Name)
	}
	if _, ok := errors.AsType[x509.HostnameError](untrusted); ok {
		return "the control plane's certificate is not valid for the host in " + source.URL
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](untrusted); ok && invalid.Reason == x509.Expired {
		return "the control plane's certificate has expired or is not valid yet"
	}
	return "the control plane's certificate was not signed by " + by
}
