package controllers

import (
	"context"
	"fmt"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// chooseForm keeps a bot's pods in the form that they have: an upgrade of the
// operator restarts no bot before its spec accepts the new one.
func (r *ArgusBotReconciler) chooseForm(_ context.Context, s *botScope) error {
	forms := r.forms()
	newest := forms[len(forms)-1]
	has := newest.Revision
	if len(s.deployments) > 0 {
		has = 0
		for i := range s.deployments {
			has = max(has, manifests.FormOf(&s.deployments[i]))
		}
		has = max(has, 1) // clusters of the first builds do not say
	}
	if s.bot.Spec.Rollout != nil && s.bot.Spec.Rollout.TemplateRevision != nil {
		accepted := *s.bot.Spec.Rollout.TemplateRevision
		if accepted > newest.Revision {
			return &hold{
				reason: v1alpha1.ReasonInvalidSpec, stalled: true,
				message: fmt.Sprintf("spec.rollout.templateRevision %d: this operator knows revisions up to %d", accepted, newest.Revision),
			}
		}
		has = max(has, accepted)
	}
	s.available = 0
	if has < newest.Revision {
		s.available = newest.Revision
	}
	for _, form := range forms {
		if form.Revision == has {
			s.form = form
			return nil
		}
	}
	return &hold{
		reason: v1alpha1.ReasonRevisionTooOld, stalled: true,
		message: fmt.Sprintf("the pods have the form of template revision %d, which this operator no longer builds: they are left running; "+
			"set spec.rollout.templateRevision to %d to have them replaced", has, newest.Revision),
	}
}

// forms that this build can make; tests give their own.
func (r *ArgusBotReconciler) forms() []manifests.Form {
	if r.Forms != nil {
		return r.Forms
	}
	return manifests.Forms()
}
