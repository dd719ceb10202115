// Package network answers who may talk to whom under a set of NetworkPolicies, as
// the Kubernetes API defines them. A cluster's network need not enforce policies, so
// this is where the ones that we make are tested.
package network

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Endpoint is one end of a connection: a pod, or an address outside of the pod network.
type Endpoint struct {
	// Namespace and Labels of a pod; Namespace is "" for an address.
	Namespace string
	Labels    map[string]string
	// Ports of a pod by name.
	Ports map[string]int32
	// Address outside of the pod network, such as 203.0.113.7.
	Address string
}

// Cluster is what decides: the policies, and the labels of the namespaces.
type Cluster struct {
	Namespaces map[string]map[string]string
	Policies   []*networkingv1.NetworkPolicy
}

// Connection is a question: may from open this connection to to?
type Connection struct {
	From, To Endpoint
	Port     int32
	Protocol corev1.Protocol
}

// Allows tells whether both ends let a connection pass: the egress rules of the one
// and the ingress rules of the other. An end that no policy selects lets all pass.
func (c Cluster) Allows(q Connection) (bool, error) {
	out, err := c.direction(q, networkingv1.PolicyTypeEgress, q.From, func(policy *networkingv1.NetworkPolicy) []rule {
		var rules []rule
		for _, r := range policy.Spec.Egress {
			rules = append(rules, rule{r.To, r.Ports})
		}
		return rules
	}, q.To)
	if err != nil || !out {
		return false, err
	}
	return c.direction(q, networkingv1.PolicyTypeIngress, q.To, func(policy *networkingv1.NetworkPolicy) []rule {
		var rules []rule
		for _, r := range policy.Spec.Ingress {
			rules = append(rules, rule{r.From, r.Ports})
		}
		return rules
	}, q.From)
}

// rule is an ingress or egress rule: empty peers or ports stand for all.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

// direction judges one direction for the pod at self, with the other end at peer.
func (c Cluster) direction(q Connection, of networkingv1.PolicyType, self Endpoint,
	rulesOf func(*networkingv1.NetworkPolicy) []rule, peer Endpoint,
) (bool, error) {
	isolated := false
	for _, policy := range c.Policies {
		selected, err := c.selects(policy, of, self)
		if err != nil {
			return false, fmt.Errorf("NetworkPolicy %s/%s: %w", policy.Namespace, policy.Name, err)
		}
		if !selected {
			continue
		}
		isolated = true
		for _, r := range rulesOf(policy) {
			passes, err := c.passes(policy.Namespace, r, q, peer)
			if err != nil {
				return false, fmt.Errorf("NetworkPolicy %s/%s: %w", policy.Namespace, policy.Name, err)
			}
			if passes {
				return true, nil
			}
		}
	}
	return !isolated, nil
}

func (c Cluster) selects(policy *networkingv1.NetworkPolicy, of networkingv1.PolicyType, pod Endpoint) (bool, error) {
	if pod.Namespace != policy.Namespace || !slices.Contains(typesOf(policy), of) {
		return false, nil
	}
	return matches(&policy.Spec.PodSelector, pod.Labels)
}

// typesOf is what a policy speaks of: what it says, or ingress, and egress if it has
// such rules.
func typesOf(policy *networkingv1.NetworkPolicy) []networkingv1.PolicyType {
	if len(policy.Spec.PolicyTypes) > 0 {
		return policy.Spec.PolicyTypes
	}
	types := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
	if len(policy.Spec.Egress) > 0 {
		types = append(types, networkingv1.PolicyTypeEgress)
	}
	return types
}

func (c Cluster) passes(namespace string, r rule, q Connection, peer Endpoint) (bool, error) {
	if !slices.ContainsFunc(r.ports, func(port networkingv1.NetworkPolicyPort) bool { return portMatches(port, q) }) && len(r.ports) > 0 {
		return false, nil
	}
	if len(r.peers) == 0 {
		return true, nil
	}
	for _, wanted := range r.peers {
		matched, err := c.peerMatches(namespace, wanted, peer)
		if matched || err != nil {
			return matched, err
		}
	}
	return false, nil
}

// portMatches compares with the port of the pod that is connected to: a Service's own
// port is translated before policies apply.
func portMatches(port networkingv1.NetworkPolicyPort, q Connection) bool {
	protocol := corev1.ProtocolTCP
	if port.Protocol != nil {
		protocol = *port.Protocol
	}
	switch {
	case protocol != q.Protocol:
		return false
	case port.Port == nil:
		return true
	case port.Port.Type == intstr.String:
		return q.To.Ports[port.Port.StrVal] == q.Port
	case port.EndPort != nil:
		return port.Port.IntVal <= q.Port && q.Port <= *port.EndPort
	}
	return port.Port.IntVal == q.Port
}

// peerMatches compares a peer with the other end. An ipBlock stands for addresses
// outside of the pod network: whether it matches pods is left open by the API.
func (c Cluster) peerMatches(namespace string, peer networkingv1.NetworkPolicyPeer, other Endpoint) (bool, error) {
	if peer.IPBlock != nil {
		return other.Namespace == "" && inBlock(peer.IPBlock, other.Address), nil
	}
	if other.Namespace == "" {
		return false, nil
	}
	if peer.NamespaceSelector == nil && other.Namespace != namespace {
		return false, nil
	}
	for _, of := range []struct {
		selector *metav1.LabelSelector
		labels   map[string]string
	}{{peer.NamespaceSelector, c.Namespaces[other.Namespace]}, {peer.PodSelector, other.Labels}} {
		if of.selector == nil {
			continue
		}
		if matched, err := matches(of.selector, of.labels); !matched || err != nil {
			return false, err
		}
	}
	return true, nil
}

func inBlock(block *networkingv1.IPBlock, address string) bool {
	in := func(cidr string) bool {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return false
		}
		ip, err := netip.ParseAddr(address)
		return err == nil && prefix.Contains(ip)
	}
	return in(block.CIDR) && !slices.ContainsFunc(block.Except, in)
}

func matches(selector *metav1.LabelSelector, of map[string]string) (bool, error) {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return false, fmt.Errorf("reading a selector: %w", err)
	}
	return parsed.Matches(labels.Set(of)), nil
}
