//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/argus-dev/argus-operator/hack/local"
)

func TestOneReplicaLeadsAndMetricsNeedAToken(t *testing.T) {
	var leader string
	eventually(t, func() string { // a slow machine may be between two leaders
		holder := must(t, "get", "lease", "argus-operator", "--namespace", local.Namespace, "--output=jsonpath={.spec.holderIdentity}")
		pods := must(t, "get", "pods", "--namespace", local.Namespace, "--selector=app.kubernetes.io/name=argus-operator", "--output=name")
		leader, _, _ = strings.Cut(holder, "_")
		if leader == "" || !strings.Contains(pods, leader) || strings.Count(pods, "\n") < 2 {
			return fmt.Sprintf("the lease is held by %q of\n%s, want one of two replicas", holder, pods)
		}
		return ""
	})
	// The API server passes the request on without a token of its own.
	path := "/api/v1/namespaces/" + local.Namespace + "/pods/https:" + leader + ":8443/proxy/metrics"
	_, err := kubectl.Output(t.Context(), "get", "--raw", path)
	if err == nil || !strings.Contains(err.Error(), "provide credentials") {
		t.Errorf("metrics without a token: %v, want that credentials are asked for", err)
	}
}
