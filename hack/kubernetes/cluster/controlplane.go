package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// loopback is an address of the machine's own for the named listener.
func (in *instance) loopback(name string) string {
	return "127.0.0.1:" + strconv.Itoa(in.Ports[name])
}

func (in *instance) binary(name string) string { return filepath.Join(in.Binaries, name) }

func (in *instance) etcd() part {
	client, peer := "https://"+in.loopback("etcd"), "https://"+in.loopback("etcd-peer")
	tlsFlags := func(prefix string) []string {
		return []string{
			"--" + prefix + "cert-file=" + in.path("pki", "etcd.crt"),
			"--" + prefix + "key-file=" + in.path("pki", "etcd.key"),
			"--" + prefix + "trusted-ca-file=" + in.path("pki", "ca.crt"),
			"--" + prefix + "client-cert-auth",
		}
	}
	args := []string{
		"--name=" + in.Name,
		"--data-dir=" + in.path("etcd"),
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=" + in.Name + "=" + peer,
		// What was written survives the process's end, though not the machine's.
		"--unsafe-no-fsync",
		"--log-level=warn",
	}
	args = append(append(args, tlsFlags("")...), tlsFlags("peer-")...)
	return part{name: "etcd", path: in.binary("etcd"), args: args, ready: in.answers(client + "/health")}
}

func (in *instance) apiServer() part {
	args := []string{
		"--etcd-servers=https://" + in.loopback("etcd"),
		"--etcd-cafile=" + in.path("pki", "ca.crt"),
		"--etcd-certfile=" + in.path("pki", "etcd-client.crt"),
		"--etcd-keyfile=" + in.path("pki", "etcd-client.key"),
		"--secure-port=" + strconv.Itoa(in.Ports["kube-apiserver"]),
		"--tls-cert-file=" + in.path("pki", "kube-apiserver.crt"),
		"--tls-private-key-file=" + in.path("pki", "kube-apiserver.key"),
		"--client-ca-file=" + in.path("pki", "ca.crt"),
		"--service-cluster-ip-range=" + in.Network.ServiceCIDR,
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + in.path("pki", "service-account.key"),
		"--service-account-signing-key-file=" + in.path("pki", "service-account.key"),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--audit-policy-file=" + in.path("audit-policy.yaml"),
		"--audit-log-path=" + in.path("audit.log"),
	}
	if in.Level == Node {
		args = append(args,
			"--bind-address="+in.Network.Gateway,
			"--advertise-address="+in.Network.Gateway,
			"--kubelet-certificate-authority="+in.path("pki", "ca.crt"),
			"--kubelet-client-certificate="+in.path("pki", "kubelet-client.crt"),
			"--kubelet-client-key="+in.path("pki", "kubelet-client.key"),
			// The node's name is in no DNS.
			"--kubelet-preferred-address-types=InternalIP",
		)
	} else {
		// Loopback cannot be an endpoint, and without pods nobody misses it.
		args = append(args, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none")
	}
	return part{
		name: "kube-apiserver", path: in.binary("kube-apiserver"), args: args,
		ready: in.answers("https://" + in.apiAddress() + "/readyz"),
	}
}

func (in *instance) controllerManager() part {
	args := append(in.controllerFlags("kube-controller-manager"),
		"--service-account-private-key-file="+in.path("pki", "service-account.key"),
		"--root-ca-file="+in.path("pki", "ca.crt"),
		"--use-service-account-credentials=true",
		// Its default is a system directory, which it creates.
		"--flex-volume-plugin-dir="+in.path("volume-plugins"),
		// Room for tests that create thousands of objects.
		"--kube-api-qps=2000", "--kube-api-burst=4000",
	)
	return part{
		name: "kube-controller-manager", path: in.binary("kube-controller-manager"), args: args,
		ready: in.answers("https://" + in.loopback("kube-controller-manager") + "/healthz"),
	}
}

func (in *instance) scheduler() part {
	args := append(in.controllerFlags("kube-scheduler"), "--kube-api-qps=200", "--kube-api-burst=400")
	return part{
		name: "kube-scheduler", path: in.binary("kube-scheduler"), args: args,
		ready: in.answers("https://" + in.loopback("kube-scheduler") + "/healthz"),
	}
}

// controllerFlags are those that the controller manager and the scheduler share.
func (in *instance) controllerFlags(name string) []string {
	return []string{
		"--kubeconfig=" + in.path("kubeconfig", name),
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(in.Ports[name]),
		"--tls-cert-file=" + in.path("pki", name+".crt"),
		"--tls-private-key-file=" + in.path("pki", name+".key"),
		"--leader-elect=false",
	}
}

// answers checks that a URL answers 200 to the administrator, or to anyone when it
// is not HTTPS.
func (in *instance) answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		transport, err := in.transport()
		if err != nil {
			return err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", url, response.Status)
		}
		return nil
	}
}

// transport presents the administrator's certificate and trusts the instance's authority.
func (in *instance) transport() (*http.Transport, error) {
	authority, err := os.ReadFile(in.path("pki", "ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	own, err := tls.LoadX509KeyPair(in.path("pki", "admin.crt"), in.path("pki", "admin.key"))
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true,
	}, nil
}
