package network

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/test/desired"
)

const root = "../.."

// world is a cluster with the objects of one file of custom resources, the operator,
// and others that might talk to them.
type world struct {
	*testing.T
	cluster Cluster
	ends    map[string]Endpoint
}

// newWorld knows these ends: "fleet" and "bot" (the file's), "operator", "prometheus",
// "ingress" and "dns" (pods of their own namespaces), "neighbour" (a pod of the bots'
// namespace), "stranger" (of another), "grafana", "internet" and "node" (addresses).
func newWorld(t *testing.T, file string, options manifests.Options) *world {
	t.Helper()
	w := &world{T: t, cluster: Cluster{Namespaces: map[string]map[string]string{}}, ends: map[string]Endpoint{
		"prometheus": pod("monitoring", "prometheus"), "ingress": pod("ingress-nginx", "nginx"), "dns": pod("kube-system", "coredns"),
		"neighbour": pod(desired.Namespace, "web"), "stranger": pod("elsewhere", "web"), "grafana": pod("grafana", "grafana"),
		"proxy":    {Namespace: desired.Namespace, Labels: map[string]string{"app": "proxy"}},
		"internet": {Address: "203.0.113.7"}, "internet6": {Address: "2001:db8::7"}, "node": {Address: "10.0.0.1"},
	}}
	for _, object := range desired.Objects(t, file, options) {
		w.add(object)
	}
	w.end("operator", desired.Operator(t, root))
	for _, document := range desired.Documents(t, filepath.Join(root, "config/manager/manager.yaml")) {
		if document.GetKind() == "NetworkPolicy" {
			policy := &networkingv1.NetworkPolicy{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(document.Object, policy); err != nil {
				t.Fatal(err)
			}
			w.cluster.Policies = append(w.cluster.Policies, policy)
		}
	}
	for _, end := range w.ends {
		w.cluster.Namespaces[end.Namespace] = map[string]string{corev1.LabelMetadataName: end.Namespace}
	}
	return w
}

func pod(namespace, app string) Endpoint {
	return Endpoint{Namespace: namespace, Labels: map[string]string{"app.kubernetes.io/name": app}}
}

func (w *world) add(object client.Object) {
	w.Helper()
	switch object := object.(type) {
	case *networkingv1.NetworkPolicy:
		w.cluster.Policies = append(w.cluster.Policies, object)
	case *appsv1.Deployment:
		name := "bot"
		if strings.HasSuffix(object.Name, "-fleet") {
			name = "fleet"
		}
		w.end(name, object)
	}
}

func (w *world) end(name string, deployment *appsv1.Deployment) {
	end := Endpoint{Namespace: deployment.Namespace, Labels: deployment.Spec.Template.Labels, Ports: map[string]int32{}}
	for _, port := range deployment.Spec.Template.Spec.Containers[0].Ports {
		end.Ports[port.Name] = port.ContainerPort
	}
	w.ends[name] = end
}

// asks "from > to port[/UDP]".
func (w *world) asks(question string) bool {
	w.Helper()
	var from, to, at string
	if _, err := fmt.Sscanf(question, "%s > %s %s", &from, &to, &at); err != nil {
		w.Fatalf("%q: %v", question, err)
	}
	connection := Connection{Protocol: corev1.ProtocolTCP}
	number, protocol, ok := strings.Cut(at, "/")
	if ok {
		connection.Protocol = corev1.Protocol(protocol)
	}
	if _, err := fmt.Sscan(number, &connection.Port); err != nil {
		w.Fatalf("%q: %v", question, err)
	}
	var known bool
	if connection.From, known = w.ends[from]; !known {
		w.Fatalf("%q: who is %s?", question, from)
	}
	if connection.To, known = w.ends[to]; !known {
		w.Fatalf("%q: who is %s?", question, to)
	}
	allowed, err := w.cluster.Allows(connection)
	if err != nil {
		w.Fatal(err)
	}
	return allowed
}

func (w *world) expect(questions map[string]bool) {
	w.Helper()
	for question, want := range questions {
		if got := w.asks(question); got != want {
			w.Errorf("%s: allowed %v, want %v", question, got, want)
		}
	}
}

// What holds for every file that has a policy at all.
func TestEverySample(t *testing.T) {
	for name, file := range desired.Files(t, root) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, file, desired.Options())
			if fleet, ok := w.ends["fleet"]; ok && w.isolated(fleet) {
				w.expect(map[string]bool{
					"operator > fleet 9190": true, "stranger > fleet 9191": false, "operator > fleet 22": false, "fleet > dns 53/UDP": true,
					"fleet > dns 53": true, "fleet > internet 443": false, "fleet > node 6443": false, "fleet > neighbour 5432": false,
				})
			}
			bot, ok := w.ends["bot"]
			if !ok || !w.isolated(bot) {
				return
			}
			metrics := bot.Ports["http"]
			w.expect(map[string]bool{
				fmt.Sprintf("prometheus > bot %d", metrics): true, fmt.Sprintf("internet > bot %d", metrics): false, "neighbour > bot 22": false,
				"bot > dns 53/UDP": true, "bot > dns 53": true, "bot > internet 443": true, "bot > node 6443": false, "bot > internet 25": false,
			})
			if _, ok := w.ends["fleet"]; ok {
				w.expect(map[string]bool{"bot > fleet 9190": true})
			}
		})
	}
}

func (w *world) isolated(pod Endpoint) bool {
	w.Helper()
	for _, policy := range w.cluster.Policies {
		selected, err := w.cluster.selects(policy, networkingv1.PolicyTypeIngress, pod)
		if err != nil {
			w.Fatal(err)
		}
		if selected {
			return true
		}
	}
	return false
}

func TestWhoReachesWhom(t *testing.T) {
	for file, questions := range map[string]map[string]bool{
		"demo.yaml": {
			"bot > fleet 9190": true, "operator > fleet 9190": true, "neighbour > fleet 9190": false, "stranger > fleet 9190": false,
			"prometheus > fleet 9190": false, "ingress > fleet 9190": false, "internet > fleet 9190": false, "prometheus > bot 9191": true,
			"fleet > bot 9191": false, "bot > operator 8081": false, "bot > operator 8443": false, "bot > neighbour 5432": false,
			"bot > internet 50000/UDP": false,
		},
		"fleet-minimal.yaml": {"fleet > prometheus 9090": false, "ingress > fleet 9190": false, "prometheus > fleet 9190": false},
		"fleet-full.yaml": {
			"fleet > prometheus 9091": true, "fleet > internet 8123": true, "fleet > internet 8443": true, "fleet > internet 9090": true,
			"grafana > fleet 9190": true, "prometheus > fleet 9190": true, "internet > fleet 9190": false,
		},
		"fleet-tls.yaml": {
			"internet > fleet 9190": true, "internet6 > fleet 9190": true, "fleet > prometheus 80": true, "fleet > prometheus 9090": false,
			"prometheus > fleet 9190": true,
		},
		"fleet-ingress.yaml":        {"ingress > fleet 9190": true, "stranger > fleet 9190": false, "internet > fleet 9190": false},
		"fleet-byo.yaml":            {"internet > fleet 9190": true, "stranger > fleet 9190": false},
		"fleet-existing-claim.yaml": {"stranger > fleet 9190": true, "fleet > internet 25": true},
		"bot-minimal.yaml":          {"bot > internet 9190": false, "bot > internet 50000/UDP": false, "stranger > bot 9191": true},
		"bot-full.yaml": {
			"bot > internet 50000/UDP": true, "proxy > bot 9000": true, "bot > internet 5432": true, "prometheus > bot 9191": false,
		},
		"bot-external.yaml": {"bot > internet 8443": true, "bot > internet 25": true}, // its policy is switched off
	} {
		t.Run(file, func(t *testing.T) {
			newWorld(t, desired.Files(t, root)[file], desired.Options()).expect(questions)
		})
	}
}

// A control plane elsewhere is reached by its port, wherever it is.
func TestABotReachesAnExternalControlPlane(t *testing.T) {
	content, err := os.ReadFile(desired.Files(t, root)["bot-external.yaml"])
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bot.yaml")
	if err := os.WriteFile(file, bytes.Replace(content, []byte("state: Disabled"), []byte("state: Enabled"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	newWorld(t, file, desired.Options()).expect(map[string]bool{
		"bot > internet 8443": true, "bot > internet 443": true, "bot > internet 9190": false,
	})
}

// An operator that was told where ingress controllers and scrapers run lets in those
// and no others.
func TestWhoReachesWhomWithPeers(t *testing.T) {
	options := desired.Options()
	options.IngressNamespaces = &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "ingress-nginx"}}
	options.MonitoringNamespaces = &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "monitoring"}}
	for file, questions := range map[string]map[string]bool{
		"demo.yaml": {
			"ingress > fleet 9190": true, "prometheus > fleet 9190": true, "stranger > fleet 9190": false, "prometheus > bot 9191": true,
			"stranger > bot 9191": false, "ingress > bot 9191": false,
		},
		"fleet-full.yaml": {"prometheus > fleet 9190": true, "stranger > fleet 9190": false},
	} {
		t.Run(file, func(t *testing.T) {
			newWorld(t, desired.Files(t, root)[file], options).expect(questions)
		})
	}
}

// The operator's own policy: names, the API server and control planes, and no more.
func TestTheOperatorsOwnPolicy(t *testing.T) {
	newWorld(t, desired.Files(t, root)["demo.yaml"], desired.Options()).expect(map[string]bool{
		"operator > dns 53/UDP": true, "operator > dns 53": true, "operator > node 6443": true, "operator > node 443": true,
		"operator > fleet 9190": true, "operator > stranger 9190": true, "operator > bot 9191": false, "operator > internet 80": false,
		"prometheus > operator 8443": true, "node > operator 8081": true, "stranger > operator 22": false, "internet > operator 8443": false,
	})
}
