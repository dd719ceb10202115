package live

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/hack/local"
)

const (
	// Patience is how long a test waits for something that must happen.
	Patience = 5 * time.Minute
	tick     = 250 * time.Millisecond
)

// Eventually waits until check returns "", or fails the test with what it says.
func Eventually(t *testing.T, check func() string) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	var problem string
	for time.Now().Before(deadline) {
		if problem = check(); problem == "" {
			return
		}
		time.Sleep(tick)
	}
	t.Fatalf("still after %s: %s", Patience, problem)
}

// Get reads an object that must be there into object, and returns it.
func Get[T client.Object](t *testing.T, s *Stage, namespace, name string, object T) T {
	t.Helper()
	if err := s.API.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, object); err != nil {
		t.Fatalf("reading %T %s/%s: %v", object, namespace, name, err)
	}
	return object
}

// Must runs kubectl as a user does and returns what it printed.
func (s *Stage) Must(t *testing.T, args ...string) string {
	t.Helper()
	output, err := s.Kubectl.Output(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// Namespace makes one that enforces the restricted Pod Security Standard.
func (s *Stage) Namespace(t *testing.T, name string) {
	t.Helper()
	if err := s.Kubectl.RestrictedNamespace(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

// Apply applies manifests to a namespace, with further arguments of kubectl.
func (s *Stage) Apply(ctx context.Context, namespace, manifests string, args ...string) error {
	return s.Kubectl.Apply(ctx, strings.NewReader(manifests), append([]string{"--namespace", namespace}, args...)...)
}

// MustApply applies manifests that must be accepted.
func (s *Stage) MustApply(t *testing.T, namespace, manifests string, args ...string) {
	t.Helper()
	if err := s.Apply(t.Context(), namespace, manifests, args...); err != nil {
		t.Fatal(err)
	}
}

// WaitReady waits for the condition Ready of objects such as argusbot/mybot.
func (s *Stage) WaitReady(t *testing.T, namespace string, what ...string) {
	t.Helper()
	s.waitFor(t, namespace, v1alpha1.ConditionReady, what...)
}

// Joined waits until every cluster of a bot beats, and returns the bot.
func (s *Stage) Joined(t *testing.T, namespace, name string) *v1alpha1.ArgusBot {
	t.Helper()
	s.waitFor(t, namespace, v1alpha1.ConditionFleetJoined, "argusbot/"+name)
	return Get(t, s, namespace, name, &v1alpha1.ArgusBot{})
}

func (s *Stage) waitFor(t *testing.T, namespace, condition string, what ...string) {
	t.Helper()
	s.Must(t, append([]string{"wait", "--namespace", namespace, "--for=condition=" + condition, "--timeout=" + Patience.String()}, what...)...)
}

// Numbers are what the control plane calls each cluster of a bot.
func Numbers(bot *v1alpha1.ArgusBot) map[string]int32 {
	found := map[string]int32{}
	for _, cluster := range bot.Status.ClusterStatuses {
		found[cluster.ID] = cluster.Number
	}
	return found
}

// PodsOf lists the running pods of a selector such as a=b,c=d.
func (s *Stage) PodsOf(t *testing.T, namespace, selector string) []corev1.Pod {
	t.Helper()
	labels := client.MatchingLabels{}
	for part := range strings.SplitSeq(selector, ",") {
		name, value, _ := strings.Cut(part, "=")
		labels[name] = value
	}
	var pods corev1.PodList
	if err := s.API.List(t.Context(), &pods, client.InNamespace(namespace), labels); err != nil {
		t.Fatal(err)
	}
	var running []corev1.Pod
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp.IsZero() && pod.Status.Phase == corev1.PodRunning {
			running = append(running, pod)
		}
	}
	return running
}

// OperatorWrites are the requests by which the operator wrote, in order, as the API
// server's own audit log tells; its lease is not among them.
func (s *Stage) OperatorWrites(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(s.Kube.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	var writes []string
	for line := range strings.Lines(string(content)) {
		var event struct {
			Verb, RequestURI string
			User             struct{ Username string }
			ObjectRef        struct{ Resource string }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			continue // the last line may be half written
		}
		if strings.HasPrefix(event.User.Username, "system:serviceaccount:"+local.Namespace+":") && event.ObjectRef.Resource != "leases" {
			writes = append(writes, event.Verb+" "+event.RequestURI)
		}
	}
	return writes
}

// Settle waits until the operator has ended what it was at, and returns its writes.
func (s *Stage) Settle(t *testing.T) []string {
	t.Helper()
	before := s.OperatorWrites(t)
	// Events of what came before are sent in the background.
	Eventually(t, func() string {
		last := len(before)
		time.Sleep(4 * time.Second)
		if before = s.OperatorWrites(t); len(before) > last {
			return "the operator is still writing: " + before[len(before)-1]
		}
		return ""
	})
	return before
}

// Quiet fails the test if the operator writes anything in a time, beyond what it had
// written when it had settled.
func (s *Stage) Quiet(t *testing.T, before []string, window time.Duration) {
	t.Helper()
	if len(before) == 0 {
		t.Fatal("the audit log shows no write of the operator at all, so this test sees nothing")
	}
	time.Sleep(window)
	if after := s.OperatorWrites(t); len(after) > len(before) {
		t.Errorf("writes to a quiet cluster:\n%s", strings.Join(after[len(before):], "\n"))
	}
}
