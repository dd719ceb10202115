package cluster

import (
	"fmt"
	"net"
	"os"
	"strconv"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// apiAddress is the host and port that the API server listens on: the node's
// address, which pods reach too, or loopback where there is no node.
func (in *instance) apiAddress() string {
	host := in.Network.Gateway
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(in.Ports["kube-apiserver"]))
}

// kubeconfigUsers names the clients of the API server, each with a certificate and
// a kubeconfig of that name.
func kubeconfigUsers(level Level) []string {
	users := []string{"admin", "kube-controller-manager"}
	if level == Node {
		users = append(users, "kube-scheduler", "kubelet", "kube-proxy", "coredns")
	}
	return users
}

// writeKubeconfigs writes a kubeconfig for each client. Each holds its
// certificates, so that it works wherever it is copied to.
func (in *instance) writeKubeconfigs() error {
	if err := os.MkdirAll(in.path("kubeconfig"), 0o755); err != nil {
		return fmt.Errorf("writing kubeconfigs: %w", err)
	}
	for _, user := range kubeconfigUsers(in.Level) {
		if err := in.writeKubeconfig(user); err != nil {
			return fmt.Errorf("writing the kubeconfig of %s: %w", user, err)
		}
	}
	return nil
}

func (in *instance) writeKubeconfig(user string) error {
	files := map[string][]byte{}
	for _, name := range []string{"ca.crt", user + ".crt", user + ".key"} {
		data, err := os.ReadFile(in.path("pki", name))
		if err != nil {
			return err
		}
		files[name] = data
	}
	name := "argus-kubernetes-" + in.Name
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: "https://" + in.apiAddress(), CertificateAuthorityData: files["ca.crt"]}
	config.AuthInfos[user] = &api.AuthInfo{ClientCertificateData: files[user+".crt"], ClientKeyData: files[user+".key"]}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: user}
	config.CurrentContext = name
	data, err := clientcmd.Write(*config)
	if err != nil {
		return err
	}
	return writeFile(in.path("kubeconfig", user), data, 0o600)
}
