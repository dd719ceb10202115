// Package environment feeds the environment that the operator writes to the
// parsers that read it, so that a name or a unit that one side changes fails here.
package environment

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver"
	"github.com/argus-dev/argus-operator/fleetserver/access"
	"github.com/argus-dev/argus-operator/internal/manifests"
	"github.com/argus-dev/argus-operator/internal/tokens"
	"github.com/argus-dev/argus-operator/member"
)

// container is a pod's first container as its process sees it: its variables, and
// the files of the Secrets that are mounted.
type container struct {
	env   map[string]string
	files map[string]string
}

const podIP = "10.1.2.3"

func enter(t *testing.T, deployment *appsv1.Deployment, secrets map[string]map[string]string) container {
	t.Helper()
	c := container{env: map[string]string{}, files: map[string]string{}}
	spec := deployment.Spec.Template.Spec
	for _, variable := range spec.Containers[0].Env {
		c.env[variable.Name] = resolve(t, variable, secrets, c.env)
	}
	for _, mount := range spec.Containers[0].VolumeMounts {
		for _, volume := range spec.Volumes {
			switch {
			case volume.Name != mount.Name:
			case volume.Secret != nil:
				c.mount(t, mount.MountPath, volume.Secret.SecretName, volume.Secret.Items, secrets)
			case volume.ConfigMap != nil: // whose data look the same from inside
				c.mount(t, mount.MountPath, volume.ConfigMap.Name, volume.ConfigMap.Items, secrets)
			}
		}
	}
	return c
}

func resolve(t *testing.T, variable corev1.EnvVar, secrets map[string]map[string]string, before map[string]string) string {
	t.Helper()
	switch from := variable.ValueFrom; {
	case from == nil:
		value := variable.Value
		for name, known := range before {
			value = strings.ReplaceAll(value, "$("+name+")", known)
		}
		return value
	case from.SecretKeyRef != nil:
		return secrets[from.SecretKeyRef.Name][from.SecretKeyRef.Key]
	case from.FieldRef != nil && from.FieldRef.FieldPath == "status.podIP":
		return podIP
	}
	t.Fatalf("%s comes from something that this test does not know", variable.Name)
	return ""
}

func (c container) mount(t *testing.T, path, name string, items []corev1.KeyToPath, secrets map[string]map[string]string) {
	t.Helper()
	if len(items) == 0 {
		t.Errorf("%s is mounted whole: name the keys, so that nothing else of it is in the pod", name)
	}
	for _, item := range items {
		value, ok := secrets[name][item.Key]
		if !ok {
			t.Fatalf("%s/%s is mounted and not known", name, item.Key)
		}
		c.files[path+"/"+item.Path] = value
	}
}

func (c container) lookup(name string) (string, bool) {
	value, ok := c.env[name]
	return value, ok
}

func (c container) readFile(path string) ([]byte, error) {
	content, ok := c.files[path]
	if !ok {
		return nil, fmt.Errorf("open %s: %w", path, fs.ErrNotExist)
	}
	return []byte(content), nil
}

func serverSecret() map[string]map[string]string {
	data := map[string]string{}
	for _, key := range tokens.ServerKeys() {
		data[key] = "the-" + key
	}
	return map[string]map[string]string{
		"main-fleet-server": data,
		"our-tokens":        data,
		"fleet-tls":         {"tls.crt": "the-certificate", "tls.key": "the-key", "ca.crt": "the-authority"},
		"prometheus":        {"bearer": "the-bearer"},
		"prometheus-ca":     {"bundle.pem": "the-bundle"},
		"clickhouse":        {"dsn": "https://argus:the-password@clickhouse:8443/argus"},
	}
}

func parse[T any](t *testing.T, text string) *T {
	t.Helper()
	object := new(T)
	if err := yaml.UnmarshalStrict([]byte(text), object); err != nil {
		t.Fatal(err)
	}
	return object
}

func serverConfig(t *testing.T, spec string) fleetserver.Config {
	t.Helper()
	fleet := parse[v1alpha1.ArgusFleet](t, "metadata: {name: main, namespace: bots}\nspec: "+spec)
	deployment, err := manifests.FleetDeployment(fleet, manifests.Options{FleetImage: "x:v1"})
	if err != nil {
		t.Fatal(err)
	}
	inside := enter(t, deployment, serverSecret())
	checkProbes(t, deployment, inside)
	config, err := fleetserver.ConfigFromEnv(inside.lookup, inside.readFile)
	if err != nil {
		t.Fatalf("the control plane would not start: %v", err)
	}
	if err := config.CheckBind(); err != nil {
		t.Errorf("the control plane would not bind: %v", err)
	}
	for name := range inside.env {
		if !strings.HasPrefix(name, "ARGUS_") {
			t.Errorf("%s is none of the control plane's variables", name)
		}
	}
	return config
}

// checkProbes expects the kubelet to speak to the control plane as it listens.
func checkProbes(t *testing.T, deployment *appsv1.Deployment, inside container) {
	t.Helper()
	want := corev1.URISchemeHTTP
	if inside.env[fleetapi.EnvFleetTLSCertFile] != "" {
		want = corev1.URISchemeHTTPS
	}
	c := deployment.Spec.Template.Spec.Containers[0]
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		if probe.HTTPGet.Scheme != want {
			t.Errorf("a probe speaks %s, want %s", probe.HTTPGet.Scheme, want)
		}
	}
}

// The optional parts reach the control plane as files that are there, and turn on what
// they are for.
func TestTheControlPlaneReadsItsOptionalParts(t *testing.T) {
	spec := `{
		tls: {secretRef: {name: fleet-tls}}, tokens: {existingSecretRef: {name: our-tokens}},
		prometheus: {url: "https://prometheus:9091/p", tokenSecretRef: {name: prometheus, key: bearer},
			caRef: {kind: ConfigMap, name: prometheus-ca, key: bundle.pem}},
		analytics: {clickhouseDSNSecretRef: {name: clickhouse, key: dsn}}}`
	config := serverConfig(t, spec)
	fleet := parse[v1alpha1.ArgusFleet](t, "metadata: {name: main, namespace: bots}\nspec: "+spec)
	deployment, err := manifests.FleetDeployment(fleet, manifests.Options{FleetImage: "x:v1"})
	if err != nil {
		t.Fatal(err)
	}
	files := enter(t, deployment, serverSecret()).files
	got := map[string]any{
		"tls": config.TLS(), "certificate": files[config.TLSCertFile], "key": files[config.TLSKeyFile],
		"prometheus": config.PrometheusURL, "its authority": files[config.PrometheusCAFile],
		"its token":  strings.Join(access.Split(config.PrometheusToken.Value), " "),
		"clickhouse": config.ClickHouse != nil, "ingest": strings.Join(access.Split(config.IngestToken.Value), " "),
	}
	want := map[string]any{
		"tls": true, "certificate": "the-certificate", "key": "the-key", "prometheus": "https://prometheus:9091/p",
		"its authority": "the-bundle", "its token": "the-bearer", "clickhouse": true, "ingest": "the-ingest-token",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTheControlPlaneReadsWhatTheOperatorWrites(t *testing.T) {
	config := serverConfig(t, `{
		heartbeatIntervalSeconds: 5, ttlFactor: 4, metricPrefix: mybot, maxClusters: 20000, leases: Required, auditLog: Disabled,
		retentionDays: 30, corsOrigins: ["https://ops.example.com", "http://localhost:3000"], trustedProxies: [10.0.0.0/8, "fd00::/8"],
		limits: {maxBodyBytes: 2097152, registerBurst: 1200, heartbeatBurst: 30, readBurst: 500, viewCacheMillis: 250}}`)
	got := map[string]any{
		"address": config.Address(), "interval": config.HeartbeatInterval, "ttl": config.TTL(), "prefix": config.Namespace,
		"clusters": config.MaxClusters, "leases": config.RequireLease, "audit": config.AuditLog, "body": config.MaxBodyBytes,
		"register": config.RegisterBurst, "heartbeat": config.HeartbeatBurst, "read": config.ReadBurst, "view": config.ViewCache,
		"state": config.StatePath, "log": config.LogFormat, "tls": config.TLS(),
		"retention": config.Retention, "cors": config.CORSOrigins, "proxies": fmt.Sprint(config.TrustedProxies),
	}
	want := map[string]any{
		"address": "0.0.0.0:9190", "interval": 5 * time.Second, "ttl": 20 * time.Second, "prefix": "mybot",
		"clusters": 20000, "leases": true, "audit": false, "body": int64(2 << 20),
		"register": 1200, "heartbeat": 30, "read": 500, "view": 250 * time.Millisecond,
		"state": "/data/argus-fleet-state.db", "log": "json", "tls": false,
		"retention": 30 * 24 * time.Hour, "cors": []string{"https://ops.example.com", "http://localhost:3000"}, "proxies": "[10.0.0.0/8 fd00::/8]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for surface, tc := range map[string]struct {
		got  []string
		want string
	}{
		tokens.KeyIngest: {access.Split(config.IngestToken.Value), "the-ingest-token"},
		tokens.KeyViewer: {access.Split(config.ViewerToken.Value), "the-viewer-token"},
		tokens.KeyAdmin:  {access.Split(config.AdminToken.Value), "the-admin-token"},
		tokens.KeyPepper: {access.Split(config.SecretPepper.Value), "the-secret-pepper"},
	} {
		if len(tc.got) != 1 || tc.got[0] != tc.want {
			t.Errorf("%s: the control plane reads %q, want %s alone", surface, tc.got, tc.want)
		}
	}
}

// What status.effective says of an empty spec is what the control plane then does.
func TestDefaultsAreInForceAsReported(t *testing.T) {
	config := serverConfig(t, `{}`)
	effective := manifests.FleetEffective(&v1alpha1.ArgusFleetSpec{})
	got := v1alpha1.FleetEffective{
		HeartbeatIntervalSeconds: int32(config.HeartbeatInterval / time.Second),
		TTLFactor:                int32(config.TTLFactor),
		MetricPrefix:             config.Namespace,
		MaxClusters:              int32(config.MaxClusters),
		Port:                     int32(config.Port),
	}
	if diff := cmp.Diff(effective, got); diff != "" {
		t.Errorf("-reported +in force\n%s", diff)
	}
	if config.RequireLease || !config.AuditLog {
		t.Errorf("leases required: %v, audit log: %v; want leases issued and the log on", config.RequireLease, config.AuditLog)
	}
}

func TestTheMemberReadsWhatTheOperatorWrites(t *testing.T) {
	secrets := map[string]map[string]string{
		"discord-bot":       {"token": "the-discord-token"},
		"main-fleet-member": {"token": "the-member-token"},
	}
	for _, delivery := range []string{"File", "Env"} {
		t.Run(delivery, func(t *testing.T) {
			bot := parse[v1alpha1.ArgusBot](t, `{metadata: {name: mybot, namespace: bots}, spec: {
				image: "x:v1", fleet: {ref: {name: main}, region: asia, delivery: `+delivery+`}, sharding: {total: 5, clusters: 2},
				discord: {tokenSecretRef: {name: discord-bot, key: token}, delivery: `+delivery+`}}}`)
			fleet := parse[v1alpha1.ArgusFleet](t, `{metadata: {name: main, namespace: bots}, spec: {metricPrefix: mine}}`)
			deployments, err := manifests.BotDeployments(bot, manifests.TargetOf(fleet), "", manifests.Forms()[0])
			if err != nil {
				t.Fatal(err)
			}
			inside := enter(t, deployments[1], secrets)
			config, err := member.ConfigFromEnv(inside.lookup, inside.readFile)
			if err != nil {
				t.Fatal(err)
			}
			token, err := config.Token()
			if err != nil {
				t.Fatal(err)
			}
			discord, err := member.SecretFromEnv(inside.lookup, inside.readFile, "DISCORD_TOKEN")()
			if err != nil {
				t.Fatal(err)
			}
			got := []string{
				config.URL, token, config.Group, config.Identity, config.StateDir, config.ScrapeTarget, config.MetricPrefix, discord,
				inside.env[fleetapi.EnvMemberCommonShardIDs], inside.env[fleetapi.EnvMemberCommonShardCount],
			}
			want := []string{
				"http://main-fleet.bots.svc:9190", "the-member-token", "asia", "mybot-1", "/var/lib/argus", podIP + ":9191", "mine",
				"the-discord-token", "3,4", "5",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if delivery == "File" {
				for name, value := range inside.env {
					if strings.Contains(value, "the-") {
						t.Errorf("%s holds a token although delivery is File", name)
					}
				}
			}
		})
	}
}

// A member of a control plane with TLS is handed the authority alone.
func TestTheMemberReadsItsAuthority(t *testing.T) {
	secrets := serverSecret()
	secrets["discord-bot"], secrets["main-fleet-member"] = map[string]string{"token": "d"}, map[string]string{"token": "m"}
	bot := parse[v1alpha1.ArgusBot](t, `{metadata: {name: mybot, namespace: bots}, spec: {
		image: "x:v1", fleet: {ref: {name: main}}, sharding: {total: 1, clusters: 1}, discord: {tokenSecretRef: {name: discord-bot, key: token}}}}`)
	fleet := parse[v1alpha1.ArgusFleet](t, `{metadata: {name: main, namespace: bots}, spec: {tls: {secretRef: {name: fleet-tls}}}}`)
	deployments, err := manifests.BotDeployments(bot, manifests.TargetOf(fleet), "", manifests.Forms()[0])
	if err != nil {
		t.Fatal(err)
	}
	inside := enter(t, deployments[0], secrets)
	config, err := member.ConfigFromEnv(inside.lookup, inside.readFile)
	if err != nil {
		t.Fatal(err)
	}
	if config.URL != "https://main-fleet.bots.svc:9190" || inside.files[config.CAFile] != "the-authority" {
		t.Errorf("the member beats to %s and verifies it by %q", config.URL, inside.files[config.CAFile])
	}
	for path, content := range inside.files {
		if content == "the-key" || content == "the-certificate" {
			t.Errorf("the bot can read %s", path)
		}
	}
}

// A member that beats more seldom than the control plane waits would flap.
func TestTheDefaultTTLOutlastsALostBeat(t *testing.T) {
	config := serverConfig(t, `{}`)
	if least := fleetapi.LeastTTLSeconds * time.Second; config.TTL() < least {
		t.Errorf("the default TTL %s is below %s", config.TTL(), least)
	}
	fast := serverConfig(t, `{heartbeatIntervalSeconds: 1}`)
	if fast.HeartbeatInterval != time.Second {
		t.Errorf("interval %s, want 1s", fast.HeartbeatInterval)
	}
}
