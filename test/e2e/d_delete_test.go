//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// leftovers lists what is in the namespace, but for what Kubernetes itself puts
// into each and for the Secret that the scenario brought.
func leftovers(t *testing.T) []string {
	t.Helper()
	kinds := strings.Fields(must(t, "api-resources", "--namespaced", "--verbs=list", "--output=name"))
	// Events tell of the past; metrics are not served here.
	kinds = slices.DeleteFunc(kinds, func(kind string) bool { return strings.HasPrefix(kind, "events") })
	own := []string{"configmap/kube-root-ca.crt", "serviceaccount/default", "secret/discord-bot"}
	var left []string
	for name := range strings.FieldsSeq(must(t, "get", strings.Join(kinds, ","), "--namespace", mainNamespace, "--output=name")) {
		if !slices.Contains(own, name) {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	return left
}

func TestDeletingTheCRsLeavesTheStateAlone(t *testing.T) {
	before := numbers(joined(t))
	// Discord does not forget what the token has spent, so the record of it stays too.
	ledger := manifests.IdentifyLedger(get(t, mainNamespace, "mybot", &v1alpha1.ArgusBot{})).Name
	want := []string{"configmap/" + ledger, "persistentvolumeclaim/main-fleet-state", "secret/main-fleet-server"}
	must(t, "delete", "--namespace", mainNamespace, "argusbot/mybot", "argusfleet/main", "--wait=true", "--timeout="+patience.String())
	var diff string
	eventually(t, func() string {
		diff = cmp.Diff(want, leftovers(t))
		return diff
	})

	mustApply(t, mainNamespace, scenario())
	waitReady(t, mainNamespace, "argusfleet/main", "argusbot/mybot")
	if diff := cmp.Diff(before, numbers(joined(t))); diff != "" {
		t.Errorf("numbers after delete and re-create, -before +after\n%s", diff)
	}
}
