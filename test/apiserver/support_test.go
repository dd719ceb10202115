//go:build apiserver

package apiserver

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

const (
	patience = 5 * time.Minute // for a machine that others keep busy
	tick     = 50 * time.Millisecond
)

// world is a test's own namespace.
type world struct {
	*testing.T
	ctx       context.Context
	api       client.Client
	namespace string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, admin)
}

// newWorldOn is a namespace of another API server than the tests share.
func newWorldOn(t *testing.T, api client.Client) *world {
	t.Helper()
	w := &world{T: t, ctx: t.Context(), api: api}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := w.api.Create(w.ctx, namespace); err != nil {
		t.Fatal(err)
	}
	w.namespace = namespace.Name
	return w
}

func (w *world) create(objects ...client.Object) {
	w.Helper()
	for _, object := range objects {
		object.SetNamespace(w.namespace)
		if err := w.api.Create(w.ctx, object); err != nil {
			w.Fatalf("creating %T %s: %v", object, object.GetName(), err)
		}
	}
}

// get reads an object by name, or fails the test.
func get[T client.Object](w *world, name string, object T) T {
	w.Helper()
	if err := w.api.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, object); err != nil {
		w.Fatalf("reading %T %s: %v", object, name, err)
	}
	return object
}

// change reads an object, alters it and writes it back as a person would.
func change[T client.Object](w *world, name string, object T, alter func(T)) {
	w.Helper()
	get(w, name, object)
	before := object.DeepCopyObject().(T)
	alter(object)
	if err := w.api.Patch(w.ctx, object, client.MergeFrom(before), client.FieldOwner("a-person")); err != nil {
		w.Fatalf("changing %T %s: %v", object, name, err)
	}
}

// eventually waits until check returns "", or fails the test with what it says.
func (w *world) eventually(check func() string) {
	w.Helper()
	w.within(patience, tick, check)
}

// within is eventually with another patience, and another time between two looks.
func (w *world) within(patience, between time.Duration, check func() string) {
	w.Helper()
	deadline := time.Now().Add(patience)
	var problem string
	for time.Now().Before(deadline) {
		if problem = check(); problem == "" {
			return
		}
		time.Sleep(between)
	}
	w.Fatalf("still after %s: %s", patience, problem)
}

func (w *world) exists(name string, object client.Object) string {
	if err := w.api.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, object); err != nil {
		return err.Error()
	}
	return ""
}

// waitCondition waits until a condition has a status and a reason, and speaks of
// the newest spec.
func (w *world) waitCondition(object client.Object, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	w.Helper()
	var found metav1.Condition
	w.eventually(func() string {
		if problem := w.exists(object.GetName(), object); problem != "" {
			return problem
		}
		condition := meta.FindStatusCondition(conditionsOf(object), kind)
		if condition == nil {
			return fmt.Sprintf("no condition %s among %+v", kind, conditionsOf(object))
		}
		if condition.Status != status || condition.Reason != reason || condition.ObservedGeneration != object.GetGeneration() {
			return fmt.Sprintf("condition %+v, want %s/%s for generation %d", *condition, status, reason, object.GetGeneration())
		}
		found = *condition
		noteCondition(found)
		return ""
	})
	return found
}

func conditionsOf(object client.Object) []metav1.Condition {
	_, conditions := statusOf(object)
	return conditions
}

// statusOf is what the statuses of both kinds hold.
func statusOf(object client.Object) (observedGeneration int64, conditions []metav1.Condition) {
	switch o := object.(type) {
	case *v1alpha1.ArgusFleet:
		return o.Status.ObservedGeneration, o.Status.Conditions
	case *v1alpha1.ArgusBot:
		return o.Status.ObservedGeneration, o.Status.Conditions
	}
	panic(fmt.Sprintf("%T has no status of ours", object))
}

// playKubelet reports a Deployment's one pod as available, or not.
func (w *world) playKubelet(name string, ready bool) {
	w.Helper()
	var deployment appsv1.Deployment
	w.eventually(func() string { return w.exists(name, &deployment) })
	before := deployment.DeepCopy()
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1,
	}
	if ready {
		deployment.Status.AvailableReplicas, deployment.Status.ReadyReplicas = 1, 1
	} else {
		deployment.Status.UnavailableReplicas = 1
	}
	if err := w.api.Status().Patch(w.ctx, &deployment, client.MergeFrom(before)); err != nil {
		w.Fatal(err)
	}
}

func newFleet(name string) *v1alpha1.ArgusFleet {
	return &v1alpha1.ArgusFleet{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.ArgusFleetSpec{HeartbeatIntervalSeconds: ptr.To[int32](1)},
	}
}

func newBot(name, fleet string, total, clusters int32) *v1alpha1.ArgusBot {
	return &v1alpha1.ArgusBot{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.ArgusBotSpec{
			Image: "example.com/bot:v1",
			Fleet: &v1alpha1.BotFleet{Ref: &v1alpha1.LocalRef{Name: fleet}},
			Discord: v1alpha1.Discord{
				TokenSecretRef: v1alpha1.SecretKeyRef{Name: "discord-bot", Key: "token"},
				MaxConcurrency: ptr.To[int32](1024), // nothing waits for Discord's five seconds
			},
			// There is no kubelet, so no container ever starts that the control plane could see.
			Rollout:  &v1alpha1.Rollout{Gate: ptr.To(v1alpha1.GateReady)},
			Sharding: v1alpha1.Sharding{Total: total, Clusters: ptr.To(clusters)},
		},
	}
}

func discordSecret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "discord-bot"},
		StringData: map[string]string{"token": "a-discord-token"},
	}
}

func upCluster(identity string, number, shards int, guilds float64) fleetapi.ClusterStatus {
	return fleetapi.ClusterStatus{
		Identity: identity, Fleet: "default", Number: number, Status: fleetapi.StatusUp,
		ShardsUp: shards, ShardsTotal: shards, Guilds: guilds,
	}
}

// runningBot makes a fleet `main` and a bot `mybot` of two clusters, both Ready.
func runningBot(w *world) (*v1alpha1.ArgusFleet, *v1alpha1.ArgusBot) {
	w.Helper()
	operator.fleets.set(w.namespace, upCluster("mybot-0", 1, 2, 60), upCluster("mybot-1", 2, 2, 60))
	fleet, bot := newFleet("main"), newBot("mybot", "main", 4, 2)
	w.create(discordSecret(), fleet, bot)
	for _, name := range []string{"main-fleet", "mybot-bot-0", "mybot-bot-1"} {
		w.playKubelet(name, true)
	}
	w.waitCondition(fleet, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	w.waitCondition(fleet, v1alpha1.ConditionReachable, metav1.ConditionTrue, v1alpha1.ReasonShortTTL)
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	w.waitCondition(bot, v1alpha1.ConditionFleetJoined, metav1.ConditionTrue, v1alpha1.ReasonJoined)
	return fleet, bot
}

// settle waits until what came before has been written, its events too, which are
// sent in the background: until every spec has been seen, and then two seconds pass
// without a write.
func (w *world) settle() {
	w.Helper()
	w.eventually(func() string {
		if problem := w.unseen(); problem != "" {
			return problem
		}
		return silent(2*time.Second, func() int { return len(operator.writes.in(w.namespace)) })
	})
}

// silent tells of writes in a time, in which it counts them twice.
func silent(span time.Duration, writes func() int) string {
	before := writes()
	time.Sleep(span)
	if now := writes(); now > before {
		return fmt.Sprintf("%d writes in %s", now-before, span)
	}
	return ""
}

// unseen names an object of whose newest spec the operator has not told yet.
func (w *world) unseen() string {
	for _, list := range []client.ObjectList{&v1alpha1.ArgusFleetList{}, &v1alpha1.ArgusBotList{}} {
		if err := w.api.List(w.ctx, list, client.InNamespace(w.namespace)); err != nil {
			return err.Error()
		}
		for _, object := range items(w, list) {
			if seen, _ := statusOf(object); seen != object.GetGeneration() && object.GetDeletionTimestamp() == nil {
				return fmt.Sprintf("the newest spec of %T %s has not been seen", object, object.GetName())
			}
		}
	}
	return ""
}

// quietly watches for some rounds of polling and fails if the operator writes.
func (w *world) quietly() {
	w.Helper()
	w.rounds(1) // what was changed is seen
	w.settle()
	before := operator.writes.in(w.namespace)
	w.rounds(4)
	if now := operator.writes.in(w.namespace); len(now) > len(before) {
		w.Errorf("%d writes to unchanged objects:\n%s", len(now)-len(before), strings.Join(now[len(before):], "\n"))
	}
}

// rounds waits until n reconciles have ended of each object that asks a control plane:
// they write after they have asked, so that the next one's asking ends the round. What
// has been deleted asks no more; objects that have not asked yet are not waited for.
func (w *world) rounds(n int) {
	w.Helper()
	before := operator.fleets.asks(w.namespace)
	if len(before) == 0 {
		w.Fatal("nobody asks a control plane, so there are no rounds")
	}
	w.eventually(func() string {
		now := operator.fleets.asks(w.namespace)
		for who, asks := range before {
			if now[who] <= asks+n && w.stands(who) {
				return fmt.Sprintf("only %d of %d rounds of %s", now[who]-asks-1, n, who)
			}
		}
		return ""
	})
}

// stands tells whether an object, as asks names it, has not been deleted.
func (w *world) stands(who string) bool {
	kind, name, _ := strings.Cut(who, " ")
	object := client.Object(&v1alpha1.ArgusBot{})
	if kind == v1alpha1.KindArgusFleet {
		object = &v1alpha1.ArgusFleet{}
	}
	return w.exists(name, object) == ""
}

func quantity(text string) *resource.Quantity { return ptr.To(resource.MustParse(text)) }

func items(w *world, list client.ObjectList) []client.Object {
	w.Helper()
	raw, err := meta.ExtractList(list)
	if err != nil {
		w.Fatal(err)
	}
	objects := make([]client.Object, 0, len(raw))
	for _, object := range raw {
		objects = append(objects, object.(client.Object))
	}
	return objects
}
