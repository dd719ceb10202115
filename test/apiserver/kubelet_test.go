//go:build apiserver

package apiserver

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// playTick is how often the player looks around.
const playTick = 40 * time.Millisecond

// kubelet plays what acts on the Deployments of bots in one namespace: their
// controller, their ReplicaSets, the garbage collector, a node, and the processes
// themselves with the control plane that they beat to.
//
// It keeps to what Kubernetes really does where that is awkward: a Deployment that is
// to be recreated waits for the pods of its other templates, the leaving ones included,
// but not for a leaving pod of the template that it goes back to; and a pod that
// somebody deletes is replaced while it leaves.
//
// At every moment it asserts what the operator promises: no two processes of one
// cluster, or of one shard, run at a time.
type kubelet struct {
	w      *world
	fleets *fakeFleets

	mu       sync.Mutex
	script   func(cluster, image string) behaviour
	pods     []*played
	members  map[string]*member
	outlives map[types.UID]time.Time // Deployments that are gone, and since when
	starts   []started
	laws     []func([]seen) string
	broken   []string
	wobbles  map[float64]bool
	// available Deployments by name, and what ran when.
	available map[string]bool
	truths    []truth
	serial    int
}

// behaviour of the pods of a cluster; the zero value starts at once and works.
type behaviour struct {
	// startsAfter the pod was made its container starts, and readyAfter that it is ready.
	startsAfter, readyAfter time.Duration
	neverReady              bool
	// crashesAfter its start the container ends, and backOff later it starts again.
	crashesAfter, backOff time.Duration
	// stopsAfter the pod was deleted it is gone.
	stopsAfter time.Duration
	// says what the control plane hears of it, valuesAfter the container's start.
	says        saying
	valuesAfter time.Duration
}

// started is one start of a container.
type started struct {
	cluster, image string
	shards         int
	at             time.Time
}

// seen is a cluster as a law sees it.
type seen struct {
	cluster, image string
	// pods that stand; runs and works: a process does, and all its shards are up.
	pods        int
	runs, works bool
}

// play starts the player; it ends with the test, which then fails if a law was broken.
func (w *world) play() *kubelet {
	w.Helper()
	k := &kubelet{
		w: w, fleets: operator.fleets, script: func(string, string) behaviour { return behaviour{} },
		members: map[string]*member{}, outlives: map[types.UID]time.Time{}, wobbles: map[float64]bool{},
	}
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := k.turn(ctx); err != nil && ctx.Err() == nil {
				k.breaks("the player failed: %v", err)
			}
			time.Sleep(playTick)
		}
	}()
	w.Cleanup(func() {
		cancel()
		<-done
		for _, law := range k.broken {
			w.Error(law)
		}
	})
	return k
}

// behave says how pods behave from now on, by the Deployment's name and the image.
func (k *kubelet) behave(script func(cluster, image string) behaviour) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.script = script
}

// always adds a law that must hold at every moment; it returns what is wrong.
func (k *kubelet) always(law func([]seen) string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.laws = append(k.laws, law)
}

// history lists the starts of containers so far.
func (k *kubelet) history() []started {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.starts)
}

// breaks notes a broken law, a few times at most. The caller holds the lock, or is the
// player.
func (k *kubelet) breaks(format string, args ...any) {
	const most = 5
	if len(k.broken) < most {
		k.broken = append(k.broken, fmt.Sprintf(format, args...))
	}
}

// turn is one look around, and what follows from it.
func (k *kubelet) turn(ctx context.Context) error {
	var deployments appsv1.DeploymentList
	var pods corev1.PodList
	within := []client.ListOption{client.InNamespace(k.w.namespace), client.HasLabels{v1alpha1.LabelBot}}
	if err := admin.List(ctx, &pods, within...); err != nil {
		return err
	}
	if err := admin.List(ctx, &deployments, within...); err != nil {
		return err
	}
	// What nobody controls only looks like a bot's.
	deployments.Items = slices.DeleteFunc(deployments.Items, func(d appsv1.Deployment) bool { return metav1.GetControllerOf(&d) == nil })
	k.mu.Lock()
	defer k.mu.Unlock()
	k.notice(pods.Items)
	if err := k.collect(ctx, deployments.Items); err != nil {
		return err
	}
	for i := range deployments.Items {
		if err := k.control(ctx, &deployments.Items[i]); err != nil {
			return err
		}
	}
	for _, pod := range slices.Clone(k.pods) {
		if err := k.run(ctx, pod); err != nil {
			return err
		}
	}
	k.available = map[string]bool{}
	for i := range deployments.Items {
		if err := k.reportDeployment(ctx, &deployments.Items[i]); err != nil {
			return err
		}
	}
	k.beat()
	k.record()
	k.judge()
	return nil
}

// collect deletes the pods of Deployments that are gone, a moment later.
func (k *kubelet) collect(ctx context.Context, deployments []appsv1.Deployment) error {
	const late = 100 * time.Millisecond
	stands := map[types.UID]bool{}
	for i := range deployments {
		stands[deployments[i].UID] = true
	}
	for _, pod := range k.pods {
		if stands[pod.owner] {
			continue
		}
		gone, known := k.outlives[pod.owner]
		if !known {
			k.outlives[pod.owner] = time.Now()
		} else if time.Since(gone) > late {
			if err := k.remove(ctx, pod); err != nil {
				return err
			}
		}
	}
	return nil
}

// control is the Deployment's controller and its ReplicaSets.
func (k *kubelet) control(ctx context.Context, d *appsv1.Deployment) error {
	template, wanted := digestOf(d), ptr.Deref(d.Spec.Replicas, 1) > 0
	if !strings.HasPrefix(string(d.Spec.Strategy.Type), "Recreate") {
		k.breaks("%s would roll: strategy %s", d.Name, d.Spec.Strategy.Type)
	}
	others, present := 0, 0
	for _, pod := range k.of(d) {
		switch {
		case !wanted || pod.template != template:
			others++
			if err := k.remove(ctx, pod); err != nil {
				return err
			}
		case pod.leaving.IsZero():
			present++
		}
	}
	if wanted && others == 0 && present == 0 {
		return k.make(ctx, d, template)
	}
	return nil
}

func digestOf(d *appsv1.Deployment) string {
	text, err := json.Marshal(d.Spec.Template)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// of lists the pods of a Deployment that stand.
func (k *kubelet) of(d *appsv1.Deployment) []*played {
	var pods []*played
	for _, pod := range k.pods {
		if pod.owner == d.UID {
			pods = append(pods, pod)
		}
	}
	return pods
}

// reportDeployment writes the Deployment's status if it has changed.
func (k *kubelet) reportDeployment(ctx context.Context, d *appsv1.Deployment) error {
	status := appsv1.DeploymentStatus{ObservedGeneration: d.Generation}
	template := digestOf(d)
	for _, pod := range k.of(d) {
		if !pod.leaving.IsZero() {
			continue
		}
		status.Replicas++
		if pod.template == template {
			status.UpdatedReplicas++
		}
		if pod.readySince.IsZero() {
			continue
		}
		status.ReadyReplicas++
		if time.Since(pod.readySince) >= time.Duration(d.Spec.MinReadySeconds)*time.Second {
			status.AvailableReplicas++
		}
	}
	k.available[d.Name] = status.AvailableReplicas == 1 && status.UpdatedReplicas == 1 && status.Replicas == 1
	status.UnavailableReplicas = status.Replicas - status.AvailableReplicas
	if sameStatus(d.Status, status) {
		return nil
	}
	before := d.DeepCopy()
	d.Status = status
	return client.IgnoreNotFound(admin.Status().Patch(ctx, d, client.MergeFrom(before)))
}

func sameStatus(a, b appsv1.DeploymentStatus) bool {
	return a.ObservedGeneration == b.ObservedGeneration && a.Replicas == b.Replicas && a.UpdatedReplicas == b.UpdatedReplicas &&
		a.ReadyReplicas == b.ReadyReplicas && a.AvailableReplicas == b.AvailableReplicas
}

// make creates a pod of the template.
func (k *kubelet) make(ctx context.Context, d *appsv1.Deployment, template string) error {
	k.serial++
	spec := *d.Spec.Template.Spec.DeepCopy()
	spec.NodeName = "node" // so that a deleted pod is not gone before its kubelet says so
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: d.Namespace, Name: fmt.Sprintf("%s-%d", d.Name, k.serial),
			Labels: d.Spec.Template.Labels, Annotations: d.Spec.Template.Annotations,
		},
		Spec: spec,
	}
	if err := admin.Create(ctx, pod); err != nil {
		return err
	}
	k.pods = append(k.pods, &played{pod: pod, cluster: d.Name, owner: d.UID, template: template, made: time.Now()})
	return nil
}
