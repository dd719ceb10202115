package network

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// The evaluator itself, held against what the API's documentation says.
func TestEvaluator(t *testing.T) {
	a := Endpoint{Namespace: "one", Labels: map[string]string{"app": "a"}}
	b := Endpoint{Namespace: "one", Labels: map[string]string{"app": "b"}, Ports: map[string]int32{"web": 80}}
	far := Endpoint{Namespace: "two", Labels: map[string]string{"app": "a"}}
	outside := Endpoint{Address: "203.0.113.7"}
	for sentence, tc := range map[string]struct {
		policies []string
		from, to Endpoint
		port     int32
		protocol corev1.Protocol
		want     bool
	}{
		"no policy: all pass":                     {nil, a, b, 80, "TCP", true},
		"a policy of another namespace":           {[]string{"{metadata: {namespace: two}, spec: {podSelector: {}}}"}, a, b, 80, "TCP", true},
		"a policy of other pods":                  {[]string{"{spec: {podSelector: {matchLabels: {app: c}}}}"}, a, b, 80, "TCP", true},
		"a policy without rules isolates":         {[]string{"{spec: {podSelector: {}}}"}, a, b, 80, "TCP", false},
		"and not what goes out":                   {[]string{"{spec: {podSelector: {}}}"}, a, outside, 80, "TCP", true},
		"unless it says so":                       {[]string{"{spec: {podSelector: {}, policyTypes: [Egress]}}"}, a, outside, 80, "TCP", false},
		"or has egress rules":                     {[]string{"{spec: {podSelector: {}, egress: [{ports: [{port: 53}]}]}}"}, a, outside, 80, "TCP", false},
		"an empty rule lets all in":               {[]string{"{spec: {podSelector: {}, ingress: [{}]}}"}, far, b, 80, "TCP", true},
		"a peer of the same namespace":            {[]string{"{spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: a}}}]}]}}"}, a, b, 80, "TCP", true},
		"and not of another one":                  {[]string{"{spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: a}}}]}]}}"}, far, b, 80, "TCP", false},
		"a whole namespace":                       {[]string{"{spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {name: two}}}]}]}}"}, far, b, 80, "TCP", true},
		"some pods of a namespace":                {[]string{"{spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: b}}}]}]}}"}, far, b, 80, "TCP", false},
		"any namespace is none for an address":    {[]string{"{spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}}"}, outside, b, 80, "TCP", false},
		"a block":                                 {[]string{"{spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}}"}, outside, b, 80, "TCP", true},
		"an exception of a block":                 {[]string{"{spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.7/32]}}]}]}}"}, outside, b, 80, "TCP", false},
		"a block is no pod":                       {[]string{"{spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}}"}, a, b, 80, "TCP", false},
		"a port":                                  {[]string{"{spec: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}}"}, a, b, 80, "TCP", true},
		"another port":                            {[]string{"{spec: {podSelector: {}, ingress: [{ports: [{port: 81}]}]}}"}, a, b, 80, "TCP", false},
		"another protocol":                        {[]string{"{spec: {podSelector: {}, ingress: [{ports: [{port: 80, protocol: UDP}]}]}}"}, a, b, 80, "TCP", false},
		"a protocol on any port":                  {[]string{"{spec: {podSelector: {}, ingress: [{ports: [{protocol: UDP}]}]}}"}, a, b, 5000, "UDP", true},
		"a port by the name that the pod gave it": {[]string{"{spec: {podSelector: {}, ingress: [{ports: [{port: web}]}]}}"}, a, b, 80, "TCP", true},
		"a name that stands for another port":     {[]string{"{spec: {podSelector: {}, ingress: [{ports: [{port: web}]}]}}"}, a, b, 81, "TCP", false},
		"a range of ports":                        {[]string{"{spec: {podSelector: {}, ingress: [{ports: [{port: 70, endPort: 90}]}]}}"}, a, b, 80, "TCP", true},
		"rules of one policy add up":              {[]string{"{spec: {podSelector: {}, ingress: [{ports: [{port: 1}]}, {ports: [{port: 80}]}]}}"}, a, b, 80, "TCP", true},
		"policies add up":                         {[]string{"{spec: {podSelector: {}}}", "{spec: {podSelector: {}, ingress: [{}]}}"}, a, b, 80, "TCP", true},
		"what may come in must be let out":        {[]string{"{spec: {podSelector: {matchLabels: {app: a}}, policyTypes: [Egress]}}", "{spec: {podSelector: {matchLabels: {app: b}}, ingress: [{}]}}"}, a, b, 80, "TCP", false},
		"a rule's peer and port must both fit":    {[]string{"{spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 81}]}]}}"}, a, b, 80, "TCP", false},
		"a selector with an expression": {
			[]string{"{spec: {podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [b]}]}}}"}, a, b, 80, "TCP", true,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			cluster := Cluster{Namespaces: map[string]map[string]string{"one": {"name": "one"}, "two": {"name": "two"}}}
			for _, text := range tc.policies {
				policy := &networkingv1.NetworkPolicy{}
				policy.Namespace = "one"
				if err := yaml.UnmarshalStrict([]byte(text), policy); err != nil {
					t.Fatal(err)
				}
				cluster.Policies = append(cluster.Policies, policy)
			}
			got, err := cluster.Allows(Connection{From: tc.from, To: tc.to, Port: tc.port, Protocol: tc.protocol})
			if err != nil || got != tc.want {
				t.Errorf("allowed: %v, want %v (%v)", got, tc.want, err)
			}
		})
	}
}
