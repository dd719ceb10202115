package cluster

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// validity of the certificates: longer than any local cluster lives.
const validity = 10 * 365 * 24 * time.Hour

// authority signs the certificates of an instance; everything trusts it alone.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
}

// identity is what a certificate says: a user and their groups towards the API
// server, and the names and addresses that a server is reached by.
type identity struct {
	file      string
	user      string
	groups    []string
	addresses []string
	names     []string
}

// identities lists the certificates that an instance needs.
func (in *instance) identities() []identity {
	service := firstAddress(in.Network.ServiceCIDR)
	list := []identity{
		{file: "etcd", user: "etcd", addresses: []string{"127.0.0.1"}},
		{file: "etcd-client", user: "kube-apiserver"},
		{
			file: "kube-apiserver", user: "kube-apiserver",
			addresses: compact("127.0.0.1", in.Network.Gateway, service),
			names:     []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		},
		{file: "admin", user: "admin", groups: []string{"system:masters"}},
		{file: "kube-controller-manager", user: "system:kube-controller-manager", addresses: []string{"127.0.0.1"}},
	}
	if in.Level != Node {
		return list
	}
	return append(list,
		identity{file: "kubelet-client", user: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}},
		identity{file: "kube-scheduler", user: "system:kube-scheduler", addresses: []string{"127.0.0.1"}},
		identity{file: "kubelet", user: "system:node:" + in.Node, groups: []string{"system:nodes"}, addresses: compact(in.Network.Gateway), names: []string{in.Node}},
		identity{file: "kube-proxy", user: "system:kube-proxy"},
		identity{file: "coredns", user: "system:coredns"},
	)
}

// compact leaves out what is empty.
func compact(values ...string) []string {
	var kept []string
	for _, value := range values {
		if value != "" {
			kept = append(kept, value)
		}
	}
	return kept
}

// ensurePKI creates what is missing of the authority, the certificates and the
// key pair that service account tokens are signed with.
func (in *instance) ensurePKI() error {
	dir := in.path("pki")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("creating certificates: %w", err)
	}
	ca, err := openAuthority(dir)
	if err != nil {
		return fmt.Errorf("creating the certificate authority: %w", err)
	}
	for _, id := range in.identities() {
		if err := ca.ensure(id); err != nil {
			return fmt.Errorf("creating the certificate of %s: %w", id.file, err)
		}
	}
	if _, err := ensureKey(filepath.Join(dir, "service-account.key")); err != nil {
		return fmt.Errorf("creating the key of service accounts: %w", err)
	}
	return nil
}

// openAuthority reads the authority, or creates it.
func openAuthority(dir string) (*authority, error) {
	key, err := ensureKey(filepath.Join(dir, "ca.key"))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "ca.crt")
	existing, err := cert.CertsFromFile(file)
	if err == nil {
		return &authority{dir: dir, cert: existing[0], key: key}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	created, err := cert.NewSelfSignedCACert(cert.Config{CommonName: "argus-kubernetes"}, key)
	if err != nil {
		return nil, err
	}
	return &authority{dir: dir, cert: created, key: key}, writeCert(file, created)
}

// ensure issues a certificate unless it exists.
func (a *authority) ensure(id identity) error {
	file := filepath.Join(a.dir, id.file+".crt")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key, err := ensureKey(filepath.Join(a.dir, id.file+".key"))
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: id.user, Organization: id.groups},
		DNSNames:     id.names,
		NotBefore:    a.cert.NotBefore,
		NotAfter:     time.Now().Add(validity),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, address := range id.addresses {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(address))
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return err
	}
	issued, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	return writeCert(file, issued)
}

// ensureKey reads a private key, or creates it.
func ensureKey(file string) (crypto.Signer, error) {
	existing, err := keyutil.PrivateKeyFromFile(file)
	if err == nil {
		signer, ok := existing.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("%s holds a key that cannot sign", file)
		}
		return signer, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	data, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, err
	}
	return key, writeFile(file, data, 0o600)
}

func writeCert(file string, c *x509.Certificate) error {
	data, err := cert.EncodeCertificates(c)
	if err != nil {
		return err
	}
	return writeFile(file, data, 0o644)
}
