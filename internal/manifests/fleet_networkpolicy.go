package manifests

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// The ports on which ClickHouse answers HTTP and HTTPS. The DSN is in a Secret, which
// no builder reads, so another port has to be named in extraEgressTo.
const (
	clickHousePort    = 8123
	clickHouseTLSPort = 8443
)

// FleetNetworkPolicy lets bots of the namespace, the operator and what the spec exposes
// the control plane to reach it, and lets it reach DNS and what it asks for
// values. It is nil when the spec switches it off.
func FleetNetworkPolicy(fleet *v1alpha1.ArgusFleet, options Options) *networkingv1.NetworkPolicy {
	wanted := or(fleet.Spec.NetworkPolicy, v1alpha1.NetworkPolicy{})
	if or(wanted.State, v1alpha1.Enabled) == v1alpha1.Disabled {
		return nil
	}
	return &networkingv1.NetworkPolicy{
		ObjectMeta: objectMeta(FleetName(fleet.Name), fleet.Namespace, fleetLabels(fleet.Name), FleetOwner(fleet)),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: FleetSelector(fleet.Name)},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress:     ingressOn(portName, append(fleetPeers(fleet, options), wanted.ExtraIngressFrom...)),
			Egress:      append(fleetEgress(fleet), completeEgress(wanted.ExtraEgressTo)...),
		},
	}
}

// fleetPeers may reach the control plane's only port. Its metrics are there with
// everything else, so "any namespace may scrape" holds only where the spec asks to
// be scraped and the operator was not told by whom.
func fleetPeers(fleet *v1alpha1.ArgusFleet, options Options) []networkingv1.NetworkPolicyPeer {
	peers := []networkingv1.NetworkPolicyPeer{
		{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{labelName: appBot}}},
		operatorPeer(options),
	}
	if options.MonitoringNamespaces != nil || fleet.Spec.ServiceMonitor != nil {
		peers = append(peers, monitoringPeer(options))
	}
	if options.IngressNamespaces != nil {
		peers = append(peers, networkingv1.NetworkPolicyPeer{NamespaceSelector: options.IngressNamespaces})
	}
	if serviceType(fleet) != corev1.ServiceTypeClusterIP {
		// From outside the cluster: addresses, which no selector names.
		peers = append(peers,
			networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0"}},
			networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "::/0"}})
	}
	return peers
}

// fleetEgress is DNS, and the ports of the servers that the spec names. Those may be
// anywhere, and a policy knows no names.
func fleetEgress(fleet *v1alpha1.ArgusFleet) []networkingv1.NetworkPolicyEgressRule {
	rules := []networkingv1.NetworkPolicyEgressRule{dnsEgress()}
	if prometheus := fleet.Spec.Prometheus; prometheus != nil {
		if port, err := portOf(prometheus.URL); err == nil { // FleetDeployment reports the error
			rules = append(rules, networkingv1.NetworkPolicyEgressRule{Ports: []networkingv1.NetworkPolicyPort{tcp(port)}})
		}
	}
	if fleet.Spec.Analytics != nil {
		rules = append(rules, networkingv1.NetworkPolicyEgressRule{
			Ports: []networkingv1.NetworkPolicyPort{tcp(clickHousePort), tcp(clickHouseTLSPort)},
		})
	}
	return rules
}

// FleetAdmitsIngress tells whether the NetworkPolicy lets any ingress controller or
// Gateway in: without peers of its own the policy would cut off what the spec exposes.
func FleetAdmitsIngress(fleet *v1alpha1.ArgusFleet, options Options) bool {
	wanted := or(fleet.Spec.NetworkPolicy, v1alpha1.NetworkPolicy{})
	return or(wanted.State, v1alpha1.Enabled) == v1alpha1.Disabled ||
		options.IngressNamespaces != nil || len(wanted.ExtraIngressFrom) > 0
}
