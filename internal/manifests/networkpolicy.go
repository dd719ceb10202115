package manifests

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// BotNetworkPolicy lets monitoring reach the bot's metrics, and the bot reach DNS,
// its control plane and Discord. It is nil when the spec switches it off. fleet is
// the control plane that the bot joins, or nil.
func BotNetworkPolicy(bot *v1alpha1.ArgusBot, fleet *FleetTarget, options Options) *networkingv1.NetworkPolicy {
	wanted := or(bot.Spec.NetworkPolicy, v1alpha1.BotNetworkPolicy{})
	if or(wanted.State, v1alpha1.Enabled) == v1alpha1.Disabled {
		return nil
	}
	// Discord's gateway and API have no fixed addresses.
	egress := []networkingv1.NetworkPolicyEgressRule{dnsEgress(), {Ports: []networkingv1.NetworkPolicyPort{tcp(443)}}}
	if fleet != nil {
		egress = append(egress, fleet.egress())
	}
	egress = append(egress, telemetryEgress(bot)...)
	if or(wanted.Voice, v1alpha1.Disabled) == v1alpha1.Enabled {
		egress = append(egress, networkingv1.NetworkPolicyEgressRule{
			Ports: []networkingv1.NetworkPolicyPort{{Protocol: ptr.To(corev1.ProtocolUDP)}},
		})
	}
	peers := append([]networkingv1.NetworkPolicyPeer{monitoringPeer(options)}, wanted.ExtraIngressFrom...)
	return &networkingv1.NetworkPolicy{
		ObjectMeta: objectMeta(BotName(bot.Name), bot.Namespace, botLabels(bot.Name), BotOwner(bot)),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: BotSelector(bot.Name)},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress:     ingressOn(portName, peers),
			Egress:      append(egress, completeEgress(wanted.ExtraEgressTo)...),
		},
	}
}

// egress lets a bot reach its control plane: the pods of an ArgusFleet, or the
// port of an external one, whose address may be anywhere.
func (t FleetTarget) egress() networkingv1.NetworkPolicyEgressRule {
	if t.Name == "" {
		return networkingv1.NetworkPolicyEgressRule{Ports: []networkingv1.NetworkPolicyPort{tcp(t.Port)}}
	}
	return networkingv1.NetworkPolicyEgressRule{
		Ports: []networkingv1.NetworkPolicyPort{tcp(fleetapi.DefaultFleetPort)},
		To:    []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: FleetSelector(t.Name)}}},
	}
}

func operatorPeer(options Options) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: options.OperatorNamespace}},
		PodSelector:       &metav1.LabelSelector{MatchLabels: options.OperatorLabels},
	}
}

func monitoringPeer(options Options) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{NamespaceSelector: ptr.To(or(options.MonitoringNamespaces, metav1.LabelSelector{}))}
}

func ingressOn(port string, from []networkingv1.NetworkPolicyPeer) []networkingv1.NetworkPolicyIngressRule {
	return []networkingv1.NetworkPolicyIngressRule{{
		From:  from,
		Ports: []networkingv1.NetworkPolicyPort{{Protocol: ptr.To(corev1.ProtocolTCP), Port: ptr.To(intstr.FromString(port))}},
	}}
}

func dnsEgress() networkingv1.NetworkPolicyEgressRule {
	udp := networkingv1.NetworkPolicyPort{Protocol: ptr.To(corev1.ProtocolUDP), Port: ptr.To(intstr.FromInt32(53))}
	return networkingv1.NetworkPolicyEgressRule{Ports: []networkingv1.NetworkPolicyPort{udp, tcp(53)}}
}

func tcp(port int32) networkingv1.NetworkPolicyPort {
	return networkingv1.NetworkPolicyPort{Protocol: ptr.To(corev1.ProtocolTCP), Port: ptr.To(intstr.FromInt32(port))}
}
