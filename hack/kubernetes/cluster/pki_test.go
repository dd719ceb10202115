package cluster

import (
	"crypto/x509"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/util/cert"
)

func TestPKI(t *testing.T) {
	in := example()
	in.dir = t.TempDir()
	if err := in.ensurePKI(); err != nil {
		t.Fatal(err)
	}
	authority := readCert(t, in, "ca")
	if !authority.IsCA || !authority.BasicConstraintsValid {
		t.Error("the authority's certificate does not say that it is one")
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	for _, id := range in.identities() {
		issued := readCert(t, in, id.file)
		if _, err := issued.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
			t.Errorf("%s: %v", id.file, err)
		}
		if issued.Subject.CommonName != id.user {
			t.Errorf("%s: user %q, want %q", id.file, issued.Subject.CommonName, id.user)
		}
		if diff := cmp.Diff(id.groups, issued.Subject.Organization); diff != "" {
			t.Errorf("%s: groups (-want +got):\n%s", id.file, diff)
		}
	}
	server := readCert(t, in, "kube-apiserver")
	for _, name := range []string{"127.0.0.1", "10.244.3.1", "10.97.0.1", "localhost", "kubernetes.default.svc"} {
		if err := server.VerifyHostname(name); err != nil {
			t.Errorf("the API server's certificate: %v", err)
		}
	}
}

func TestPKIIsKept(t *testing.T) {
	in := example()
	in.dir = t.TempDir()
	if err := in.ensurePKI(); err != nil {
		t.Fatal(err)
	}
	before := readCert(t, in, "admin")
	if err := os.Remove(in.path("pki", "coredns.crt")); err != nil {
		t.Fatal(err)
	}
	if err := in.ensurePKI(); err != nil {
		t.Fatal(err)
	}
	if !readCert(t, in, "admin").Equal(before) {
		t.Error("a second call issued another certificate, which ends the first's users")
	}
	if err := readCert(t, in, "coredns").CheckSignatureFrom(readCert(t, in, "ca")); err != nil {
		t.Errorf("the certificate that was missing: %v", err)
	}
}

func readCert(t *testing.T, in *instance, name string) *x509.Certificate {
	t.Helper()
	found, err := cert.CertsFromFile(in.path("pki", name+".crt"))
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}
