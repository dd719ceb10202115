//go:build e2e

package e2e

import (
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

const (
	fleetPods    = "argus.dev/fleet=main"
	botPods      = "argus.dev/bot=mybot"
	cluster0Pods = "argus.dev/bot=mybot,argus.dev/cluster=0"
)

func TestABotRunsFromOneKubectlApply(t *testing.T) {
	namespace(t, mainNamespace)
	mustApply(t, mainNamespace, scenario())
	waitReady(t, mainNamespace, "argusfleet/main", "argusbot/mybot")
	joined(t)
	eventually(t, func() string {
		status := get(t, mainNamespace, "mybot", &v1alpha1.ArgusBot{}).Status
		switch {
		case status.Display.Clusters != "2/2" || status.Display.Shards != "5/5":
			return "the bot shows " + status.Display.Clusters + " clusters and " + status.Display.Shards + " shards"
		case *status.Guilds == 0:
			return "no guild has been reported"
		}
		return ""
	})

	table := must(t, "get", "argusfleets,argusbots", "--namespace", mainNamespace)
	t.Logf("kubectl get argusfleets,argusbots\n%s", table)
	for _, line := range []string{
		`(?m)^argusfleet\.argus\.dev/main\s+True\s+2/2\s+` + regexp.QuoteMeta(version) + `\s+http://main-fleet\.e2e\.svc:9190\s+\S+$`,
		`(?m)^argusbot\.argus\.dev/mybot\s+True\s+2/2\s+5/5\s+[1-9]\d*\s+main\s+Available\s+\S+$`,
	} {
		if !regexp.MustCompile(line).MatchString(table) {
			t.Errorf("no line like %s", line)
		}
	}
}

func TestPodsAreHardenedOnTheNode(t *testing.T) {
	pods := append(podsOf(t, mainNamespace, fleetPods), podsOf(t, mainNamespace, botPods)...)
	if len(pods) != 3 {
		t.Fatalf("%d pods, want 3", len(pods))
	}
	for _, pod := range pods {
		processes := processesOf(t, pod)
		if len(processes) == 0 {
			t.Errorf("pod %s has no process on the node", pod.Name)
		}
		for _, process := range processes {
			status := process.status
			for field, want := range map[string]string{
				"Uid": "10001 10001 10001 10001", "Gid": "10001 10001 10001 10001",
				"CapEff": "0000000000000000", "CapBnd": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2",
			} {
				if got := strings.Join(strings.Fields(status[field]), " "); got != want {
					t.Errorf("%s (%s): %s is %q, want %q", pod.Name, process.name, field, got, want)
				}
			}
			if !process.readOnlyRoot {
				t.Errorf("%s (%s): the root filesystem can be written", pod.Name, process.name)
			}
		}
	}
}

// The tokens' values are looked for in the environment and command line of every
// process on the node, ours or not.
func TestNoTokenIsInAnEnvironmentOrProcessList(t *testing.T) {
	secrets := map[string]string{"the Discord token": discordToken}
	for _, name := range []string{"main-fleet-server", "main-fleet-member", "main-fleet-viewer"} {
		for key, value := range get(t, mainNamespace, name, &corev1.Secret{}).Data {
			secrets[name+"/"+key] = string(value)
		}
	}
	if len(secrets) != 7 {
		t.Fatalf("%d secrets, want 7", len(secrets))
	}
	seen := false
	for _, process := range allProcesses(t) {
		seen = seen || strings.Contains(process.environment, "ARGUS_CLUSTER_ID=mybot-0")
		for what, secret := range secrets {
			if strings.Contains(process.environment, secret) {
				t.Errorf("%s is in the environment of process %s", what, process.name)
			}
			if strings.Contains(process.commandLine, secret) {
				t.Errorf("%s is in the command line of process %s", what, process.name)
			}
		}
	}
	if !seen {
		t.Error("the bot's own environment was not among what was read, so this test saw nothing")
	}
}

func TestNoTokenIsInALogAConditionOrAnEvent(t *testing.T) {
	texts := map[string]string{
		"events":          must(t, "get", "events", "--all-namespaces", "--output=yaml"),
		"CRs":             must(t, "get", "argusfleets,argusbots", "--all-namespaces", "--output=yaml"),
		"Deployments":     must(t, "get", "deployments,pods", "--all-namespaces", "--output=yaml"),
		"operator's logs": must(t, "logs", "--namespace=argus-system", "--selector=app.kubernetes.io/name=argus-operator", "--tail=-1"),
		"fleet's logs":    must(t, "logs", "--namespace", mainNamespace, "--selector="+fleetPods, "--tail=-1"),
		"bots' logs":      must(t, "logs", "--namespace", mainNamespace, "--selector="+botPods, "--tail=-1"),
	}
	server := get(t, mainNamespace, "main-fleet-server", &corev1.Secret{}).Data
	for where, text := range texts {
		if text == "" {
			t.Errorf("the %s are empty, so this test saw nothing", where)
		}
		if strings.Contains(text, discordToken) {
			t.Errorf("the Discord token is in the %s", where)
		}
		for key, value := range server {
			if strings.Contains(text, string(value)) {
				t.Errorf("%s is in the %s", key, where)
			}
		}
	}
}
