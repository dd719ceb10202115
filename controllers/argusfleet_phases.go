package controllers

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/internal/apply"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// readDeployment looks at what runs, which the phases after it lead others to.
func (r *ArgusFleetReconciler) readDeployment(ctx context.Context, s *fleetScope) (err error) {
	s.deployment, err = r.deploymentOf(ctx, s.fleet)
	return err
}

// asRun is the fleet as it is served now, whatever the spec asks for.
func (s *fleetScope) asRun() *v1alpha1.ArgusFleet { return manifests.FleetAsRun(s.fleet, s.deployment) }

// ensureService makes the control plane's address.
func (r *ArgusFleetReconciler) ensureService(ctx context.Context, s *fleetScope) error {
	service, err := apply.Apply(ctx, r.Applier, apply.ControlledBy(s.fleet), manifests.FleetService(s.asRun()))
	if err != nil {
		return err
	}
	s.service = service
	return nil
}

// checkInputs makes sure that what the control plane's pod mounts exists, because a
// pod that waits for a Secret says so only in its events. Looked for until found, or
// while the control plane is not available.
func (r *ArgusFleetReconciler) checkInputs(ctx context.Context, s *fleetScope) error {
	if s.lacks() || r.verified.has(s.fleet, fleetReady(s.fleet), r.Now()) {
		return nil
	}
	wanted, problem, err := missingInput(ctx, s.secrets, s.fleet.Namespace, fleetInputs(s.fleet))
	if err != nil {
		return err
	}
	if wanted != nil {
		r.verified.forget(nameOf(s.fleet))
		s.missing = secretMissing(wanted, problem)
		return nil
	}
	r.verified.note(s.fleet, r.Now())
	return nil
}

// lacks tells whether something that the pod needs is known not to be there.
func (s *fleetScope) lacks() bool { return s.missing != nil }

func fleetInputs(fleet *v1alpha1.ArgusFleet) []input {
	var inputs []input
	for _, secret := range manifests.FleetSecrets(fleet) {
		inputs = append(inputs, input{secret.Field, v1alpha1.CAInSecret, secret.Ref.Name, secret.Ref.Key})
	}
	for _, config := range manifests.FleetConfigMaps(fleet) {
		inputs = append(inputs, input{config.Field, v1alpha1.CAInConfigMap, config.Ref.Name, config.Ref.Key})
	}
	return inputs
}

func fleetReady(fleet *v1alpha1.ArgusFleet) bool {
	return meta.IsStatusConditionTrue(fleet.Status.Conditions, v1alpha1.ConditionReady)
}

// ensureObjects applies what neither starts nor stops the control plane, and deletes
// what of it is no longer asked for.
func (r *ArgusFleetReconciler) ensureObjects(ctx context.Context, s *fleetScope) (err error) {
	owned, selector := apply.ControlledBy(s.fleet), manifests.FleetSelector(s.fleet.Name)
	if account := manifests.FleetServiceAccount(s.fleet); account != nil {
		if _, err := apply.Apply(ctx, r.Applier, owned, account); err != nil {
			return err
		}
	}
	if _, err := applyOrPrune(ctx, &r.Base, owned, s.fleet, &networkingv1.NetworkPolicyList{}, selector, manifests.FleetNetworkPolicy(s.asRun(), r.Options)); err != nil {
		return err
	}
	s.ingress, err = applyOrPrune(ctx, &r.Base, owned, s.fleet, &networkingv1.IngressList{}, selector, manifests.FleetIngress(s.asRun()))
	return err
}

// ensureDeployment makes the control plane run as the spec says, unless something that
// it needs is missing or changes of what runs are suspended. What somebody changed by
// hand is put right in any case, and what was deleted made again.
func (r *ArgusFleetReconciler) ensureDeployment(ctx context.Context, s *fleetScope) error {
	found, err := r.lookAtDeployment(ctx, s)
	if err != nil || found.Stands {
		return err
	}
	held := s.lacks() || (found.Exists && restsRollouts(s.fleet.Spec.Suspend))
	if held && !found.Drifted {
		return nil
	}
	written, err := apply.Write(ctx, r.Applier, apply.ControlledBy(s.fleet), found)
	if err == nil { // or what stands there may be somebody else's
		s.deployment, s.stands = written, true
	}
	return err
}

// pruneAccounts deletes a ServiceAccount that pods no longer run as: not before the
// Deployment names another.
func (r *ArgusFleetReconciler) pruneAccounts(ctx context.Context, s *fleetScope) error {
	if !s.stands {
		return nil
	}
	keep := map[string]bool{}
	if account := manifests.FleetServiceAccount(s.fleet); account != nil {
		keep[account.Name] = true
	}
	return prune(ctx, &r.Base, s.fleet, &corev1.ServiceAccountList{}, manifests.FleetSelector(s.fleet.Name), keep)
}

// lookAtDeployment reads how the Deployment stands, and writes nothing.
func (r *ArgusFleetReconciler) lookAtDeployment(ctx context.Context, s *fleetScope) (apply.Found[*appsv1.Deployment], error) {
	desired, err := manifests.FleetDeployment(s.fleet, r.Options)
	if err != nil {
		return apply.Found[*appsv1.Deployment]{}, err
	}
	found, err := apply.Check(ctx, r.Applier, apply.ControlledBy(s.fleet), desired)
	if err == nil && found.Exists {
		s.deployment, s.stands = found.Live, found.Stands
	}
	return found, err
}

// look reads how everything stands, for a status while all work is suspended.
func (r *ArgusFleetReconciler) look(ctx context.Context, s *fleetScope) error {
	if err := r.readDeployment(ctx, s); err != nil {
		return err
	}
	service, err := apply.Check(ctx, r.Applier, apply.ControlledBy(s.fleet), manifests.FleetService(s.asRun()))
	if err != nil {
		return err
	}
	s.service = service.Live
	if err := r.lookFromOutside(ctx, s); err != nil {
		return err
	}
	if err := r.lookAtRotation(ctx, s); err != nil {
		return err
	}
	if err := r.readClaim(ctx, s); err != nil {
		return err
	}
	if _, err := r.lookAtDeployment(ctx, s); err != nil {
		return err
	}
	if err := r.observe(ctx, s); err != nil {
		return err
	}
	if service.Exists {
		r.ask(s)
	}
	return nil
}

// observe reads the pods, for what ails them.
func (r *ArgusFleetReconciler) observe(ctx context.Context, s *fleetScope) error {
	var pods corev1.PodList
	err := r.Client.List(ctx, &pods, client.InNamespace(s.fleet.Namespace), client.MatchingLabels(manifests.FleetSelector(s.fleet.Name)))
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	s.pods = pods.Items
	return nil
}

// ask looks up how the control plane's clusters are, once it has been up.
func (r *ArgusFleetReconciler) ask(s *fleetScope) {
	if available(s.deployment) || hasAnswered(s.fleet) {
		asker := Asker{Kind: v1alpha1.KindArgusFleet, NamespacedName: client.ObjectKeyFromObject(s.fleet)}
		s.answer = r.Fleets.Answer(fleetSource(s.asRun()), fleetPoll(s.fleet), asker)
	}
}

// hasAnswered tells whether a control plane has ever told its version. One that has
// not is still starting, and its silence is no news.
func hasAnswered(fleet *v1alpha1.ArgusFleet) bool { return fleet.Status.Version != "" }

// fleetSource is where a fleet, as it runs, is read.
func fleetSource(fleet *v1alpha1.ArgusFleet) FleetSource {
	target := manifests.TargetOf(fleet)
	return FleetSource{URL: target.URL, Namespace: fleet.Namespace, Viewer: *target.ViewerToken, CA: authorityOf(target.CA)}
}
