//go:build apiserver

package apiserver

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// inForm gives pods of the newest form an older one.
func inForm(name string) func(*corev1.PodTemplateSpec) {
	return func(template *corev1.PodTemplateSpec) {
		metav1.SetMetaDataAnnotation(&template.ObjectMeta, "form", name)
	}
}

// An upgrade of the operator restarts no bot: it says that there is a newer form of
// the pods, and makes it when the spec accepts it. A form that it no longer makes is
// left running.
func TestAnUpgradeOfTheOperatorRestartsNoBot(t *testing.T) {
	w := newWorld(t)
	first := manifests.Form{Revision: 1, Shape: inForm("first")}
	second := manifests.Form{Revision: 2, Shape: inForm("second")}
	w.restart(func(setup *operatorSetup) { setup.forms = []manifests.Form{first} })
	accepting, waiting := ungatedBot("accepting", 2, 2), ungatedBot("waiting", 1, 1)
	k := w.bring(accepting, waiting)

	w.upgrade(first, manifests.Form{Revision: 2})
	for _, bot := range []*v1alpha1.ArgusBot{accepting, waiting} {
		w.waitCondition(bot, v1alpha1.ConditionRolloutComplete, metav1.ConditionTrue, v1alpha1.ReasonRolloutAvailable)
		w.waitCondition(bot, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
		if form := *get(w, bot.Name, bot).Status.TemplateRevision; form != (v1alpha1.BotTemplateRevision{Current: 1, Available: 2}) {
			t.Errorf("%s tells of %+v, want form 1, and 2 available", bot.Name, form)
		}
	}
	w.settle()
	if starts := startsOf(k, oldImage); len(starts) != 3 {
		t.Fatalf("the upgrade restarted clusters: %v", starts)
	}

	change(w, "accepting", accepting, func(b *v1alpha1.ArgusBot) { b.Spec.Rollout.TemplateRevision = ptr.To[int32](2) })
	w.awaitStart(k, "accepting-bot-1", oldImage, 2)
	w.complete(accepting)
	if form := w.deployment("accepting-bot-0").Spec.Template.Annotations["form"]; form != "" {
		t.Errorf("the accepted form is %q", form)
	}
	if starts := startsOf(k, oldImage); len(starts) != 5 {
		t.Errorf("%v, want both clusters of one bot again and nothing else", starts)
	}

	w.upgrade(second, manifests.Form{Revision: 3})
	old := w.waitCondition(waiting, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonRevisionTooOld)
	if !strings.Contains(old.Message, "revision 1") || !strings.Contains(old.Message, "templateRevision to 3") {
		t.Errorf("message %q", old.Message)
	}
	w.settle()
	if replicas := *w.deployment("waiting-bot-0").Spec.Replicas; replicas != 1 || len(w.podsOf("waiting-bot-0")) != 1 {
		t.Error("the pod of the old form was not left running")
	}
	change(w, "waiting", waiting, func(b *v1alpha1.ArgusBot) { b.Spec.Rollout.TemplateRevision = ptr.To[int32](3) })
	w.complete(waiting)

	change(w, "waiting", waiting, func(b *v1alpha1.ArgusBot) { b.Spec.Rollout.TemplateRevision = ptr.To[int32](4) })
	w.waitCondition(waiting, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidSpec)
}

// upgrade restarts the operator as a build that makes other forms of pods.
func (w *world) upgrade(forms ...manifests.Form) {
	w.Helper()
	operator.setup.forms = forms
	w.restart(nil)
}
