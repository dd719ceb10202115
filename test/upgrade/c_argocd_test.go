//go:build e2e

package upgrade

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/test/gitops"
	"github.com/argus-dev/argus-operator/test/live"
)

var update = flag.Bool("update", false, "write the dumps of test/gitops anew")

// argo is the namespace of what Argo CD looks at and acts on.
const argo = "argocd"

const applications = `
{apiVersion: v1, kind: Secret, metadata: {name: discord-bot}, stringData: {token: made-up}}
---
{apiVersion: argus.dev/v1alpha1, kind: ArgusFleet, metadata: {name: main}, spec: {heartbeatIntervalSeconds: 1, ttlFactor: 5, onDelete: Retire}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: taken-bot-0}, spec: {replicas: 0, selector: {matchLabels: {a: b}},
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: theirs, image: "example.com/theirs:1"}]}}}}
`

// bot is the manifest of a bot of one or more clusters.
func bot(name, image, secret string, clusters int) string {
	object, err := json.Marshal(map[string]any{
		"apiVersion": "argus.dev/v1alpha1", "kind": "ArgusBot", "metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"image": image, "args": []string{"--guilds=500", "--connect-delay=10ms"},
			"fleet":    map[string]any{"ref": map[string]any{"name": "main"}, "region": "europe"},
			"discord":  map[string]any{"tokenSecretRef": map[string]any{"name": secret, "key": "token"}, "maxConcurrency": 16},
			"sharding": map[string]any{"total": 2 * clusters, "clusters": clusters},
		},
	})
	if err != nil {
		panic(err)
	}
	return "---\n" + string(object) + "\n"
}

// recorder keeps every version of the two kinds that the API server tells of.
type recorder struct {
	mu   sync.Mutex
	seen []*unstructured.Unstructured
}

func record(t *testing.T, namespace string) *recorder {
	t.Helper()
	r := &recorder{}
	var reading sync.WaitGroup
	t.Cleanup(reading.Wait)
	for _, kind := range []string{"ArgusFleet", "ArgusBot"} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind + "List"))
		watch, err := stage.API.Watch(t.Context(), list, client.InNamespace(namespace))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(watch.Stop)
		reading.Go(func() {
			for event := range watch.ResultChan() {
				if object, ok := event.Object.(*unstructured.Unstructured); ok {
					r.mu.Lock()
					r.seen = append(r.seen, object)
					r.mu.Unlock()
				}
			}
		})
	}
	return r
}

// first waits for the first version of an object of which is true what is asked.
func (r *recorder) first(t *testing.T, name string, when func(*unstructured.Unstructured) bool) *unstructured.Unstructured {
	t.Helper()
	var found *unstructured.Unstructured
	live.Eventually(t, func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, object := range r.seen {
			if object.GetKind()+"/"+object.GetName() == name && when(object) {
				found = object
				return ""
			}
		}
		return name + " was never seen so"
	})
	return found
}

// said is true when Ready, or what else is asked for, has the reason.
func said(condition, reason string) func(*unstructured.Unstructured) bool {
	return func(object *unstructured.Unstructured) bool {
		return settled(object) && strings.Contains(summary(object), condition+"="+reason+"\n")
	}
}

// settled: the status is about the spec.
func settled(object *unstructured.Unstructured) bool {
	observed, _, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	return observed == object.GetGeneration()
}

// summary lists the conditions that a script of health reads, as "Ready True=Available".
func summary(object *unstructured.Unstructured) string {
	text := ""
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, one := range conditions {
		condition, _ := one.(map[string]any)
		field := func(name string) string { value, _ := condition[name].(string); return value }
		switch kind := field("type"); kind {
		case v1alpha1.ConditionReady, v1alpha1.ConditionStalled, v1alpha1.ConditionReconciling:
			text += kind + " " + field("status") + "=" + field("reason") + "\n"
		}
	}
	return text
}

// argocd is what the tests of Argo CD share.
type argocd struct {
	*recorder
	settings map[string]string
	met      map[string]bool
}

// meets compares what Argo CD makes of an object with what it should, and with the
// dump that test/gitops has of such a moment.
func (a *argocd) meets(t *testing.T, moment string, object *unstructured.Unstructured) {
	t.Helper()
	want, known := gitops.Moments()[moment]
	if !known || want.ByHand {
		t.Fatalf("%s is no moment that a cluster is brought to", moment)
	}
	a.met[moment] = true
	got, err := gitops.HealthOf(a.settings, object.Object)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != want.Status || !strings.Contains(got.Message, want.Message) {
		t.Errorf("%s: health %v, want %s with %q", moment, got, want.Status, want.Message)
	}
	path := filepath.Join(stage.Root, "test", "gitops", "testdata", moment+".yaml")
	if *update {
		dumped, err := yaml.Marshal(timeless(object.DeepCopy().Object))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, dumped, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	dumped := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(content, &dumped.Object); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(summary(dumped), summary(object)); diff != "" {
		t.Errorf("%s is no longer as its dump; -update writes it anew (-dump +cluster):\n%s", moment, diff)
	}
}

// timeless replaces what differs from run to run.
func timeless(value any) any {
	const noon = "2026-11-23T12:00:00Z"
	switch value := value.(type) {
	case map[string]any:
		delete(value, "managedFields")
		delete(value, "kubectl.kubernetes.io/last-applied-configuration")
		for key, element := range value {
			switch key {
			case "uid":
				value[key] = "c9d3be4f-0f3a-4b80-9d0e-3c5c1f6f2a22"
			case "resourceVersion":
				value[key] = "4711"
			case "creationTimestamp", "deletionTimestamp", "lastTransitionTime", "restartedAt":
				value[key] = noon
			default:
				value[key] = timeless(element)
			}
		}
	case []any:
		for i := range value {
			value[i] = timeless(value[i])
		}
	}
	return value
}

// act does what Argo CD does when a person chooses an action: the script changes the
// object, and the difference is sent as a merge patch.
func (a *argocd) act(t *testing.T, action string, object client.Object) {
	t.Helper()
	kinds, _, err := stage.API.Scheme().ObjectKinds(object)
	if err != nil {
		t.Fatal(err)
	}
	now := &unstructured.Unstructured{}
	now.SetGroupVersionKind(kinds[0])
	live.Get(t, stage, argo, object.GetName(), now)
	actions, err := gitops.ActionsOf(a.settings, kinds[0].Kind)
	if err != nil {
		t.Fatal(err)
	}
	offered, err := actions.Offered(now.Object)
	if err != nil || !offered[action] {
		t.Fatalf("%s is not offered for %s: %v, %v", action, now.GetName(), offered, err)
	}
	changed, err := actions.Apply(action, now.Object)
	if err != nil {
		t.Fatal(err)
	}
	before, err := json.Marshal(now.Object)
	if err != nil {
		t.Fatal(err)
	}
	after, err := json.Marshal(changed)
	if err != nil {
		t.Fatal(err)
	}
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(before, after, before)
	if err != nil {
		t.Fatal(err)
	}
	if err := stage.API.Patch(t.Context(), now, client.RawPatch(types.MergePatchType, patch), client.FieldOwner("argocd-server")); err != nil {
		t.Fatalf("%s: %v\n%s", action, err, patch)
	}
}

func botPodsOf(t *testing.T) map[types.UID]bool {
	t.Helper()
	found := map[types.UID]bool{}
	for _, pod := range stage.PodsOf(t, argo, botPods) {
		found[pod.UID] = true
	}
	return found
}

// TestArgoCDSeesWhatIsTheMatterAndActs lets both kinds live through what can happen to
// them, and looks with Argo CD's eyes.
func TestArgoCDSeesWhatIsTheMatterAndActs(t *testing.T) {
	settings, err := gitops.Settings(stage.Root)
	if err != nil {
		t.Fatal(err)
	}
	stage.Namespace(t, argo)
	a := &argocd{record(t, argo), settings, map[string]bool{}}
	image := "ghcr.io/argus-dev/argus-bot:" + stage.Version
	stage.MustApply(t, argo, applications+bot("mybot", image, "discord-bot", 2)+bot("secretless", image, "nowhere", 1)+
		bot("unpullable", "127.0.0.1:1/nobody:v1", "discord-bot", 1)+bot("taken", image, "discord-bot", 1))

	t.Run("starting", func(t *testing.T) { a.starts(t) })
	t.Run("in trouble", func(t *testing.T) { a.troubles(t) })
	t.Run("hibernate, wake, restart", func(t *testing.T) { a.rests(t) })
	t.Run("suspend, resume, rotate", func(t *testing.T) { a.freezes(t) })
	t.Run("deleted", func(t *testing.T) {
		stage.Must(t, "delete", "--namespace", argo, "argusbot/mybot", "--wait=true")
		a.meets(t, "bot-deleting", a.first(t, "ArgusBot/mybot", func(o *unstructured.Unstructured) bool { return o.GetDeletionTimestamp() != nil }))
	})
	for name, moment := range gitops.Moments() {
		if !a.met[name] && !moment.ByHand {
			t.Errorf("no cluster was brought to %s", name)
		}
	}
	gone(t, argo)
}

func (a *argocd) starts(t *testing.T) {
	t.Helper()
	a.meets(t, "fleet-new", a.first(t, "ArgusFleet/main", func(o *unstructured.Unstructured) bool { return summary(o) == "" }))
	a.meets(t, "fleet-starting", a.first(t, "ArgusFleet/main", said("Ready False", v1alpha1.ReasonProgressing)))
	a.meets(t, "fleet-available", a.first(t, "ArgusFleet/main", said("Ready True", v1alpha1.ReasonAvailable)))
	a.meets(t, "bot-starting", a.first(t, "ArgusBot/mybot", said("Ready False", v1alpha1.ReasonProgressing)))
	stage.Joined(t, argo, "mybot")
	a.meets(t, "bot-available", a.first(t, "ArgusBot/mybot", said("Ready True", v1alpha1.ReasonAvailable)))
}

func (a *argocd) troubles(t *testing.T) {
	t.Helper()
	a.meets(t, "bot-secret", a.first(t, "ArgusBot/secretless", said("Ready False", v1alpha1.ReasonSecretMissing)))
	a.meets(t, "bot-conflict", a.first(t, "ArgusBot/taken", said("Stalled True", v1alpha1.ReasonNameConflict)))
	a.meets(t, "bot-trouble", a.first(t, "ArgusBot/unpullable", func(o *unstructured.Unstructured) bool {
		health, err := gitops.HealthOf(a.settings, o.Object)
		return err == nil && said("Ready False", v1alpha1.ReasonPodTrouble)(o) && strings.Contains(health.Message, "ImagePullBackOff")
	}))
}

func (a *argocd) rests(t *testing.T) {
	t.Helper()
	mybot := live.Get(t, stage, argo, "mybot", &v1alpha1.ArgusBot{})
	numbers, pods := live.Numbers(mybot), botPodsOf(t)
	a.act(t, "hibernate", mybot)
	hibernated := a.first(t, "ArgusBot/mybot", said("Ready True", v1alpha1.ReasonHibernated))
	a.meets(t, "bot-hibernated", hibernated)
	a.meets(t, "bot-changed", a.first(t, "ArgusBot/mybot", func(o *unstructured.Unstructured) bool { return summary(o) != "" && !settled(o) }))
	if left := botPodsOf(t); len(left) != 0 {
		t.Errorf("%d pods run while the bot hibernates", len(left))
	}
	a.act(t, "wake", mybot)
	a.restarted(t, pods)
	a.act(t, "restart", mybot)
	a.restarted(t, botPodsOf(t))
	if diff := cmp.Diff(numbers, live.Numbers(stage.Joined(t, argo, "mybot"))); diff != "" {
		t.Errorf("numbers (-before +after):\n%s", diff)
	}
}

// restarted waits until the bot is healthy again, with pods that are all new.
func (a *argocd) restarted(t *testing.T, before map[types.UID]bool) {
	t.Helper()
	live.Eventually(t, func() string {
		now := botPodsOf(t)
		for uid := range now {
			if before[uid] {
				return "an old pod still runs"
			}
		}
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ArgusBot"))
		live.Get(t, stage, argo, "mybot", object)
		if health, err := gitops.HealthOf(a.settings, object.Object); len(now) != 2 || err != nil || health.Status != "Healthy" {
			return "the bot is " + health.Status + ": " + health.Message
		}
		return ""
	})
}

func (a *argocd) freezes(t *testing.T) {
	t.Helper()
	mybot := live.Get(t, stage, argo, "mybot", &v1alpha1.ArgusBot{})
	pods := botPodsOf(t)
	a.act(t, "suspend", mybot)
	stage.Must(t, "patch", "argusbot/mybot", "--namespace", argo, "--type=merge", "--patch", `{"spec": {"args": ["--guilds=501", "--connect-delay=10ms"]}}`)
	a.meets(t, "bot-frozen", a.first(t, "ArgusBot/mybot", said("Ready False", v1alpha1.ReasonSuspended)))
	if diff := cmp.Diff(pods, botPodsOf(t)); diff != "" {
		t.Errorf("pods of a suspended bot (-before +after):\n%s", diff)
	}
	stage.Must(t, "patch", "argusbot/mybot", "--namespace", argo, "--type=merge", "--patch", `{"spec": {"suspend": "All"}}`)
	a.meets(t, "bot-suspended", a.first(t, "ArgusBot/mybot", func(o *unstructured.Unstructured) bool {
		mode, _, _ := unstructured.NestedString(o.Object, "spec", "suspend")
		return mode == string(v1alpha1.SuspendAll)
	}))
	a.act(t, "resume", mybot)
	a.restarted(t, pods)

	main := live.Get(t, stage, argo, "main", &v1alpha1.ArgusFleet{})
	a.act(t, "suspend", main)
	a.meets(t, "fleet-suspended", a.first(t, "ArgusFleet/main", func(o *unstructured.Unstructured) bool {
		mode, _, _ := unstructured.NestedString(o.Object, "spec", "suspend")
		return mode == string(v1alpha1.SuspendRollouts) && said("Ready True", v1alpha1.ReasonAvailable)(o)
	}))
	a.act(t, "resume", main)
	before := live.Get(t, stage, argo, "main-fleet-server", &corev1.Secret{}).ResourceVersion
	a.act(t, "rotate-tokens", main)
	live.Eventually(t, func() string {
		if live.Get(t, stage, argo, "main-fleet-server", &corev1.Secret{}).ResourceVersion == before {
			return "no new token has been made"
		}
		return ""
	})
}
