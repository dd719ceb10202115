//go:build cluster

package cluster

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

// TestControlPlane drives the API alone through its life: up, up again, killed,
// up, down.
func TestControlPlane(t *testing.T) {
	opts := Options{Name: "selftest-api", Level: ControlPlane, Log: testLog{t}}
	fresh(t, opts)

	c := up(t, opts)
	kubectl(t, c, "create", "namespace", "kept")
	if got := auditedCreations(t, c, "namespaces", "kept"); got != 1 {
		t.Errorf("the audit log has %d creations of the namespace, want 1", got)
	}
	info, err := os.Stat(c.Kubeconfig)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kubeconfig: mode %v, error %v, want 0600", info.Mode(), err)
	}

	checkSecondUp(t, opts)

	killAll(t, opts)
	c = up(t, opts)
	if got := strings.TrimSpace(kubectl(t, c, "get", "namespace", "kept", "--output", "name")); got != "namespace/kept" {
		t.Errorf("after the kill: %q, want the namespace to be kept", got)
	}

	down(t, opts)
	if left := processesOf(t, c.Dir); len(left) > 0 {
		t.Errorf("down left processes: %q", left)
	}
	if _, err := os.Stat(c.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("down left the directory: %v", err)
	}
	if _, err := GetStatus(t.Context(), opts); !errors.Is(err, ErrNotFound) {
		t.Errorf("status after down: %v, want %v", err, ErrNotFound)
	}
}

// TestControlPlanesSideBySide runs two instances at once and ends one.
func TestControlPlanesSideBySide(t *testing.T) {
	one := Options{Name: "selftest-one", Level: ControlPlane, Log: testLog{t}}
	two := Options{Name: "selftest-two", Level: ControlPlane, Log: testLog{t}}
	fresh(t, one)
	fresh(t, two)
	kubectl(t, up(t, one), "create", "namespace", "one")
	second := up(t, two)
	down(t, one)
	if got := kubectl(t, second, "get", "namespaces", "--output", "name"); strings.Contains(got, "namespace/one") {
		t.Errorf("the second instance shows the first one's namespace: %s", got)
	}
}

// auditedCreations counts the completed creations of an object.
func auditedCreations(t *testing.T, c *Cluster, resource, name string) int {
	t.Helper()
	data, err := os.ReadFile(c.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(string(data)) {
		var event struct {
			Verb, Stage string
			ObjectRef   struct{ Resource, Name string }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("audit log: %v in %q", err, line)
		}
		if event.Verb == "get" || event.Verb == "list" || event.Verb == "watch" {
			t.Errorf("the audit log has a read: %s", line)
		}
		if event.Verb == "create" && event.ObjectRef.Resource == resource && event.ObjectRef.Name == name {
			count++
		}
	}
	return count
}
