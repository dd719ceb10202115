//go:build e2e

package upgrade

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/test/gitops"
	"github.com/argus-dev/argus-operator/test/live"
)

// gitOps is the field manager that applies the samples, under the name that Argo CD uses.
const gitOps = "argocd-controller"

// sample is a file of config/samples, as this machine can run it.
type sample struct {
	namespace, manifests string
	objects              []*unstructured.Unstructured
}

// others is what a sample expects to be there already.
func others(t *testing.T) map[string]string {
	t.Helper()
	const token = "---\n{apiVersion: v1, kind: Secret, metadata: {name: discord-bot}, stringData: {token: made-up, metrics-token: made-up-too, dashboard-token: also-made-up}}\n"
	return map[string]string{
		"minimal":                token,
		"bring-your-own-secrets": token,
		"demo":                   "",
		"sharded":                token + "---\n{apiVersion: argus.dev/v1alpha1, kind: ArgusFleet, metadata: {name: main}, spec: {heartbeatIntervalSeconds: 1, ttlFactor: 20}}\n",
		"production":             token + certificate(t, "main-fleet.sample-production.svc"),
		"external-fleet":         token + outside(),
	}
}

// outside is a control plane that no operator made: a pod and its address. Its tokens
// are those that the sample makes up.
func outside() string {
	return `---
apiVersion: v1
kind: Pod
metadata: {name: far, labels: {app: far}}
spec:
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: fleet
      image: ghcr.io/argus-dev/argus-fleet:` + stage.Version + `
      env:
        - {name: ARGUS_FLEET_INGEST_TOKEN, value: replace-me-with-the-token-of-the-bots}
        - {name: ARGUS_FLEET_VIEWER_TOKEN, value: replace-me-with-the-token-of-viewers}
        - {name: ARGUS_FLEET_HEARTBEAT_INTERVAL, value: "1"}
        - {name: ARGUS_FLEET_TTL_FACTOR, value: "20"}
      volumeMounts: [{name: data, mountPath: /data}]
      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
  volumes: [{name: data, emptyDir: {}}]
---
{apiVersion: v1, kind: Service, metadata: {name: far}, spec: {selector: {app: far}, ports: [{port: 9190}]}}
`
}

// certificate is what cert-manager would have made for a control plane.
func certificate(t *testing.T, host string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	secret, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": map[string]any{"name": "main-fleet-tls"},
		"stringData": map[string]string{
			"tls.crt": public, "ca.crt": public, "tls.key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return "---\n" + string(secret)
}

// samples reads them, and changes what a machine without a registry, without the
// Internet and with two cores cannot do.
func samples(t *testing.T) map[string]sample {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(stage.Root, "config", "samples", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d samples: %v", len(paths), err)
	}
	found := map[string]sample{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		documents, err := gitops.Documents(string(content))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		one := sample{namespace: "sample-" + name}
		for _, document := range documents {
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal(document, &object.Object); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			possible(t, object)
			encoded, err := yaml.Marshal(object.Object)
			if err != nil {
				t.Fatal(err)
			}
			one.manifests += "---\n" + string(encoded)
			if object.GroupVersionKind().Group == v1alpha1.GroupVersion.Group {
				object.SetNamespace(one.namespace)
				one.objects = append(one.objects, object)
			}
		}
		found[name] = one
	}
	return found
}

// possible makes an object of a sample one that this machine can run.
func possible(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	set := func(value any, path ...string) {
		if err := unstructured.SetNestedField(object.Object, value, path...); err != nil {
			t.Fatal(err)
		}
	}
	switch object.GetKind() {
	case "ArgusFleet":
		set(int64(1), "spec", "heartbeatIntervalSeconds")
		set(int64(20), "spec", "ttlFactor") // no member turns down because the machine is slow
	case "ArgusBot":
		set("ghcr.io/argus-dev/argus-bot:"+stage.Version, "spec", "image")
		set([]any{"--guilds=500", "--connect-delay=10ms"}, "spec", "args")
		// The reference bot starts no sessions, so Discord's pauses between them would only take time.
		set(int64(16), "spec", "discord", "maxConcurrency")
		set(int64(8), "spec", "rollout", "maxUnavailable")
		if _, external, _ := unstructured.NestedString(object.Object, "spec", "fleet", "external", "url"); external {
			set("http://far.sample-external-fleet.svc:9190", "spec", "fleet", "external", "url")
		}
		if _, sized, _ := unstructured.NestedMap(object.Object, "spec", "pod", "resources", "requests"); sized {
			set("10m", "spec", "pod", "resources", "requests", "cpu")
		}
	}
}

// TestEverySampleBecomesReady on a real cluster, each in a namespace of its own that
// enforces restricted pods.
func TestEverySampleBecomesReady(t *testing.T) {
	expected := others(t)
	for name, one := range samples(t) {
		brought, known := expected[name]
		if !known {
			t.Errorf("sample %s is new: say what it expects to be there", name)
			continue
		}
		stage.Namespace(t, one.namespace)
		if brought != "" {
			stage.MustApply(t, one.namespace, brought)
		}
		stage.MustApply(t, one.namespace, one.manifests, "--server-side", "--field-manager="+gitOps)
	}
	for name, one := range samples(t) {
		t.Run(name, func(t *testing.T) {
			for _, object := range one.objects {
				stage.WaitReady(t, one.namespace, strings.ToLower(object.GetKind())+"/"+object.GetName())
				if object.GetKind() != "ArgusBot" {
					continue
				}
				bot := stage.Joined(t, one.namespace, object.GetName())
				live.Eventually(t, func() string {
					bot = live.Get(t, stage, bot.Namespace, bot.Name, bot)
					if bot.Status.Shards == nil || bot.Status.Shards.Up != bot.Spec.Sharding.Total {
						return bot.Name + " shows shards " + bot.Status.Display.Shards
					}
					return ""
				})
			}
		})
	}
	// What the cluster lacks is told and does no harm.
	fleet := live.Get(t, stage, "sample-production", "main", &v1alpha1.ArgusFleet{})
	if ready := meta.FindStatusCondition(fleet.Status.Conditions, v1alpha1.ConditionReady); ready == nil || ready.Status != metav1.ConditionTrue {
		t.Errorf("the control plane of production: %+v", ready)
	}
}

// quietTime is how long nobody may write: twenty beats of members that beat every
// second, as five minutes are twenty beats of fifteen seconds. The tag long has the
// five minutes.
func quietTime() time.Duration {
	if long {
		return 5 * time.Minute
	}
	return 20 * time.Second
}

// TestNothingOfASampleIsOursAndNothingMoves is what "no ignoreDifferences" rests on.
func TestNothingOfASampleIsOursAndNothingMoves(t *testing.T) {
	all := samples(t)
	for name, one := range all {
		t.Run(name, func(t *testing.T) {
			same(t, one)
			for _, object := range one.objects {
				onlyStatus(t, object)
			}
		})
	}
	before := stage.Settle(t)
	versions := versionsOf(t, all)
	stage.Quiet(t, before, quietTime())
	for name, version := range versionsOf(t, all) {
		if versions[name] != version {
			t.Errorf("%s was written while nothing happened", name)
		}
	}
}

// same asks the API server what applying the sample again would change.
func same(t *testing.T, one sample) {
	t.Helper()
	cmd := stage.Kubectl.Command(t.Context(), "diff", "--server-side", "--field-manager="+gitOps, "--namespace", one.namespace, "--filename", "-")
	cmd.Stdin = strings.NewReader(one.manifests)
	if printed, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, printed)
	}
}

// onlyStatus looks at who owns which field: of the operator there may be the status,
// and the finalizer that it needs.
func onlyStatus(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	now := object.DeepCopy()
	if err := stage.API.Get(t.Context(), client.ObjectKeyFromObject(object), now); err != nil {
		t.Fatal(err)
	}
	status := false
	for _, entry := range now.GetManagedFields() {
		if entry.Manager == gitOps {
			continue
		}
		fields := entry.FieldsV1.GetRawString()
		status = status || entry.Subresource == "status"
		for _, foreign := range []string{`"f:spec"`, `"f:labels"`, `"f:annotations"`} {
			if strings.Contains(fields, foreign) {
				t.Errorf("%s %s: %s owns %s of it", now.GetKind(), now.GetName(), entry.Manager, fields)
			}
		}
	}
	if !status {
		t.Errorf("%s %s: nobody owns its status, so this test sees nothing", now.GetKind(), now.GetName())
	}
}

func versionsOf(t *testing.T, all map[string]sample) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, one := range all {
		for _, object := range one.objects {
			now := object.DeepCopy()
			if err := stage.API.Get(t.Context(), client.ObjectKeyFromObject(object), now); err != nil {
				t.Fatal(err)
			}
			found[one.namespace+"/"+now.GetKind()] = now.GetResourceVersion()
		}
	}
	return found
}

// TestSamplesGoAgain makes room for what follows.
func TestSamplesGoAgain(t *testing.T) {
	for _, one := range samples(t) {
		gone(t, one.namespace)
	}
}

// gone deletes a namespace, its bots first: they may wait for their control plane.
func gone(t *testing.T, namespace string) {
	t.Helper()
	stage.Must(t, "delete", "argusbots", "--all", "--namespace", namespace, "--wait=true", "--timeout=5m")
	stage.Must(t, "delete", "namespace", namespace, "--wait=false")
}
