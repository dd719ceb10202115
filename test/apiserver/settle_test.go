//go:build apiserver

package apiserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// poke has an object reconciled a few times, and fails if the operator writes
// anything in the course of it.
func (w *world) poke(object client.Object) {
	w.Helper()
	w.settle()
	before := operator.writes.in(w.namespace)
	for i := range 4 {
		change(w, object.GetName(), object, func(o client.Object) { o.SetAnnotations(map[string]string{"poke": strconv.Itoa(i)}) })
		time.Sleep(300 * time.Millisecond)
	}
	if now := operator.writes.in(w.namespace); len(now) > len(before) {
		w.Errorf("%d writes to an unchanged %s:\n%s", len(now)-len(before), object.GetName(), strings.Join(now[len(before):], "\n"))
	}
}

// Whatever a spec holds, and whatever the API server makes of it, the operator
// writes it once.
func TestEverySpecSettles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../internal/manifests/testdata/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %v: %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			var object client.Object = &v1alpha1.ArgusFleet{}
			deployment := "main-fleet"
			if strings.HasPrefix(filepath.Base(file), "bot") {
				w.create(newFleet("main"))
				object, deployment = &v1alpha1.ArgusBot{}, "mybot-bot-0"
			}
			if err := yaml.UnmarshalStrict(content, object); err != nil {
				t.Fatal(err)
			}
			object.SetUID("")
			w.createInputs(object)
			w.create(object)
			w.playKubelet(deployment, true)
			switch o := object.(type) { // a busy operator hears of it late
			case *v1alpha1.ArgusFleet:
				w.waitCondition(o, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
			case *v1alpha1.ArgusBot:
				w.waitFirstReady(o)
			}
			w.poke(object)
		})
	}
}

// waitFirstReady waits until a bot's status tells that its first cluster is ready.
func (w *world) waitFirstReady(bot *v1alpha1.ArgusBot) {
	w.Helper()
	w.eventually(func() string {
		if clusters := get(w, bot.Name, bot).Status.ClusterStatuses; len(clusters) == 0 || !clusters[0].Ready {
			return fmt.Sprintf("cluster 0 is not ready in %+v", clusters)
		}
		return ""
	})
}

// createInputs makes what an object names and somebody else has to make.
func (w *world) createInputs(object client.Object) {
	w.Helper()
	secrets := map[string]map[string]string{}
	add := func(ref v1alpha1.SecretKeyRef) {
		if secrets[ref.Name] == nil {
			secrets[ref.Name] = map[string]string{}
		}
		secrets[ref.Name][ref.Key] = "t"
	}
	switch o := object.(type) {
	case *v1alpha1.ArgusFleet:
		for _, secret := range manifests.FleetSecrets(o) {
			add(secret.Ref)
		}
		w.createConfigMaps(manifests.FleetConfigMaps(o))
		if o.Spec.Storage != nil && o.Spec.Storage.ExistingClaimRef != nil {
			w.create(ownClaim(o.Spec.Storage.ExistingClaimRef.Name))
		}
	case *v1alpha1.ArgusBot:
		named, target := w.externalPart(o)
		for _, secret := range manifests.BotSecrets(named, target) {
			add(secret.Ref)
		}
		w.createConfigMaps(manifests.BotConfigMaps(named, target))
	}
	for name, data := range secrets {
		w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: data})
	}
}

// externalPart is a bot without the ArgusFleet that it names, which makes its own
// Secrets, and the control plane elsewhere that it names instead, or nil.
func (w *world) externalPart(bot *v1alpha1.ArgusBot) (*v1alpha1.ArgusBot, *manifests.FleetTarget) {
	w.Helper()
	if bot.Spec.Fleet != nil && bot.Spec.Fleet.External != nil {
		target, err := manifests.ExternalTarget(bot.Spec.Fleet.External)
		if err != nil {
			w.Fatal(err)
		}
		return bot, target
	}
	without := bot.DeepCopy()
	without.Spec.Fleet = nil
	return without, nil
}

func (w *world) createConfigMaps(refs []manifests.ConfigMapRef) {
	w.Helper()
	for _, config := range refs {
		w.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: config.Ref.Name}, Data: map[string]string{config.Ref.Key: "t"}})
	}
}

// An object that is in trouble is not written to either while the trouble stays,
// and its conditions tell since when.
func TestTroubleSettles(t *testing.T) {
	t.Parallel()
	for sentence, prepare := range map[string]func(w *world) client.Object{
		"a name is taken": func(w *world) client.Object {
			w.create(foreignDeployment("main-fleet", "fleet"))
			fleet := newFleet("main")
			w.create(fleet)
			w.waitCondition(fleet, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNameConflict)
			return fleet
		},
		"a Secret is missing": func(w *world) client.Object {
			bot := newBot("mybot", "", 1, 1)
			bot.Spec.Fleet = nil
			w.create(bot)
			w.waitCondition(bot, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonSecretMissing)
			return bot
		},
		"a pod is awaited": func(w *world) client.Object {
			bot := newBot("mybot", "", 2, 2)
			bot.Spec.Fleet = nil
			w.create(discordSecret(), bot)
			w.playKubelet("mybot-bot-0", true)
			w.playKubelet("mybot-bot-1", false)
			w.waitFirstReady(bot)
			w.waitCondition(bot, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonProgressing)
			return bot
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.poke(prepare(w))
		})
	}
}

// A retained claim may be larger, or of another class, than the fleet that adopts
// it asks for. The state in it counts for more.
func TestALargerRetainedClaimIsAdopted(t *testing.T) {
	w := newWorld(t)
	first := newFleet("main")
	first.Spec.Storage = &v1alpha1.FleetStorage{Size: quantity("4Gi"), StorageClassName: new("slow")}
	w.create(first)
	w.playKubelet("main-fleet", true)
	w.waitCondition(first, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	claim := get(w, "main-fleet-state", &corev1.PersistentVolumeClaim{})
	w.deleteWhole(first)

	again := newFleet("main")
	again.Spec.Storage = &v1alpha1.FleetStorage{Size: quantity("1Gi"), StorageClassName: new("fast")}
	w.create(again)
	w.playKubelet("main-fleet", true)
	w.waitCondition(again, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	before := claim.DeepCopy()
	claim.Status.Phase = corev1.ClaimBound
	if err := admin.Status().Patch(w.ctx, claim, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	bound := w.waitCondition(again, v1alpha1.ConditionStorageBound, metav1.ConditionTrue, v1alpha1.ReasonClaimDiffers)
	for _, word := range []string{`"slow"`, "4Gi"} {
		if !strings.Contains(bound.Message, word) {
			t.Errorf("message %q does not name %s", bound.Message, word)
		}
	}
	w.poke(again)
}

func TestAVariableAddedTwiceByHandIsHealed(t *testing.T) {
	w := newWorld(t)
	_, bot := runningBot(w)
	deployment := get(w, "mybot-bot-0", &appsv1.Deployment{})
	env := append(deployment.Spec.Template.Spec.Containers[0].Env, corev1.EnvVar{Name: "ARGUS_CLUSTER_ID", Value: "somebody-else"})
	deployment.Spec.Template.Spec.Containers[0].Env = env
	if err := admin.Update(w.ctx, deployment, client.FieldOwner("a-person")); err != nil {
		t.Fatal(err)
	}
	w.eventually(func() string {
		values := map[string]bool{}
		for _, variable := range get(w, "mybot-bot-0", deployment).Spec.Template.Spec.Containers[0].Env {
			if variable.Name == "ARGUS_CLUSTER_ID" {
				values[variable.Value] = true
			}
		}
		if len(values) != 1 || !values["mybot-0"] {
			return fmt.Sprintf("the identity is %v", values)
		}
		return ""
	})
	w.playKubelet("mybot-bot-0", true)
	w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	w.poke(bot)
}
