package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/rollout"
)

// guard looks after the token although a phase could not go on, for as long as that takes:
// it enters the starts that were seen, and stops clusters in a crash loop as they stand.
// It returns why the phase could not go on, or what kept it from guarding.
func (r *ArgusBotReconciler) guard(ctx context.Context, s *botScope, err error) error {
	if s.book == nil {
		if holdOf(err).isRetry() || restsAll(s.bot.Spec.Suspend) {
			return err
		}
		for _, phase := range []func(context.Context, *botScope) error{r.observe, r.readLedger} {
			if phase(ctx, s) != nil {
				return err // which is of more use than what this one says
			}
		}
	}
	if guardErr := r.protectStanding(ctx, s); guardErr != nil {
		return guardErr
	}
	return err
}

// protectStanding saves the ledger, and stops clusters in a crash loop before the token is
// spent, whatever their spec has become.
func (r *ArgusBotReconciler) protectStanding(ctx context.Context, s *botScope) error {
	standing := make([]*appsv1.Deployment, 0, len(s.deployments))
	for _, deployment := range pointersTo(s.deployments) {
		if metav1.IsControlledBy(deployment, s.bot) && deployment.DeletionTimestamp.IsZero() { // others may have these labels, too
			standing = append(standing, deployment)
		}
	}
	plan := &rollout.Plan{Now: r.Now(), Protect: manifests.Protects(s.bot), Budget: r.budget(s)}
	for _, deployment := range standing {
		key := ledgerKey(s.bot, deployment.Spec.Template.Labels[v1alpha1.LabelCluster])
		shards, _ := manifests.ShardsOf(&deployment.Spec.Template.ObjectMeta)
		plan.Steps = append(plan.Steps, rollout.Step{
			Key: key, Shards: rangeOf(shards), Stopped: !manifests.AsksForPods(deployment),
			Looping: s.book.ledger.Looping(plan.Now, key, plan.Budget.Limit),
		})
		plan.Budget.Largest = max(plan.Budget.Largest, shards.Count())
	}
	endangered := plan.Endangered()
	for _, i := range endangered {
		s.book.ledger.Stop(plan.Now, plan.Steps[i].Key, manifests.RevisionOf(standing[i]))
	}
	if err := r.saveLedger(ctx, s); err != nil {
		return err
	}
	return r.stopStanding(ctx, s.bot, standing, endangered)
}

// stopStanding takes the pods of Deployments away, and nothing else of them.
func (r *ArgusBotReconciler) stopStanding(ctx context.Context, bot *v1alpha1.ArgusBot, standing []*appsv1.Deployment, which []int) error {
	var names []string
	var failed []error
	for _, i := range which {
		live := standing[i]
		stopped := manifests.Stopped(live)
		if err := r.Client.Patch(ctx, stopped, client.MergeFrom(live), client.FieldOwner(v1alpha1.FieldOwner)); err != nil {
			failed = append(failed, fmt.Errorf("stopping Deployment %s: %w", live.Name, err))
			continue
		}
		r.Applier.NoteWrite("Deployment", "patch", stopped)
		names = append(names, live.Name)
	}
	if len(names) > 0 {
		r.Events.Eventf(bot, nil, corev1.EventTypeWarning, v1alpha1.ReasonCrashLoopProtected, "Protect", "%s",
			bounded(strings.Join(names, ", ")+" started again and again and was stopped before Discord resets the token", maxNote))
	}
	return errors.Join(failed...)
}
