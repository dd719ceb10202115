package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShimSocketsOf(t *testing.T) {
	// SHA-256 of the address, the namespace and the sandbox, joined as a path.
	want := []string{
		"/run/containerd/s/687e86b62e2f1adf7fc1ad11274ddea5a38cd67e19da2a622d7dd40b42fb9366",
		"/run/containerd/s/b141de11290230f4ba0882b2696d9bf0f7725696d6d358e9f792894ba8f5d42e",
	}
	if diff := cmp.Diff(want, shimSocketsOf("/state/demo/containerd/c.sock", "aa317775f07d")); diff != "" {
		t.Errorf("sockets (-want +got):\n%s", diff)
	}
}
