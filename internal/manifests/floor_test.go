package manifests

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// podOf builds a control plane's pod with a spec.pod, in YAML.
func podOf(t *testing.T, pod string) (*corev1.PodTemplateSpec, error) {
	t.Helper()
	fleet := &v1alpha1.ArgusFleet{}
	decode(t, []byte("{metadata: {name: main, namespace: bots}, spec: {pod: "+pod+"}}"), fleet)
	deployment, err := FleetDeployment(fleet, testOptions())
	if err != nil {
		return nil, err
	}
	return &deployment.Spec.Template, nil
}

// refused expects a PodError, and checks that its message says what to do.
func refused(t *testing.T, err error, reason, field string) {
	t.Helper()
	podError, ok := errors.AsType[*PodError](err)
	if !ok {
		t.Fatalf("not refused: %v", err)
	}
	if diff := cmp.Diff([]string{reason, field}, []string{podError.Reason, podError.Field}); diff != "" {
		t.Errorf("-want +got\n%s\n%s", diff, podError.Message)
	}
	if !strings.Contains(podError.Message, ": ") && !strings.Contains(podError.Message, "instead") {
		t.Errorf("the message %q does not say what to do", podError.Message)
	}
}

// Whatever weakens a container is refused wherever it is said.
func TestNoContainerFallsBelowTheFloor(t *testing.T) {
	for sentence, tc := range map[string]struct{ security, field string }{
		"privileged":                      {"{privileged: true, allowPrivilegeEscalation: true}", "allowPrivilegeEscalation"},
		"privileged without escalation":   {"{privileged: true}", "privileged"},
		"a privilege to gain more":        {"{allowPrivilegeEscalation: true}", "allowPrivilegeEscalation"},
		"a capability":                    {"{capabilities: {drop: [ALL], add: [SYS_ADMIN]}}", "capabilities"},
		"a capability beside the dropped": {"{capabilities: {add: [NET_ADMIN]}}", "capabilities"},
		"capabilities not all dropped":    {"{capabilities: {drop: [NET_RAW]}}", "capabilities"},
		"no seccomp":                      {"{seccompProfile: {type: Unconfined}}", "seccompProfile"},
		"no AppArmor":                     {"{appArmorProfile: {type: Unconfined}}", "appArmorProfile"},
		"another SELinux type":            {"{seLinuxOptions: {type: spc_t}}", "seLinuxOptions"},
		"an unmasked /proc":               {"{procMount: Unmasked}", "procMount"},
		"root allowed":                    {"{runAsNonRoot: false}", "runAsNonRoot"},
		"root":                            {"{runAsUser: 0}", "runAsUser"},
		"another user":                    {"{runAsUser: 1000}", "runAsUser"},
		"another group":                   {"{runAsGroup: 0}", "runAsGroup"},
		"a root filesystem to write to":   {"{readOnlyRootFilesystem: false}", "readOnlyRootFilesystem"},
		"a Windows host process":          {"{windowsOptions: {hostProcess: true}}", "windowsOptions"},
	} {
		container := "{name: x, image: 'x:1', securityContext: " + tc.security + "}"
		for place, at := range map[string]struct{ pod, field string }{
			"in a sidecar":            {"{sidecars: [" + container + "]}", "spec.pod.sidecars[0]"},
			"in the second sidecar":   {"{sidecars: [{name: z, image: 'z:1'}, " + container + "]}", "spec.pod.sidecars[1]"},
			"in an init container":    {"{initContainers: [" + container + "]}", "spec.pod.initContainers[0]"},
			"in a patched-in sidecar": {"{patch: {spec: {containers: [" + container + "]}}}", "spec.pod.patch.spec.containers[x]"},
			"in a patched-in init container": {
				"{patch: {spec: {initContainers: [" + container + "]}}}", "spec.pod.patch.spec.initContainers[x]",
			},
			"in a patch of a sidecar": {
				"{sidecars: [{name: x, image: 'x:1'}], patch: {spec: {containers: [{name: x, securityContext: " + tc.security + "}]}}}",
				"spec.pod.patch.spec.containers[x]",
			},
			"in a patch of our container": {
				"{patch: {spec: {containers: [{name: fleet, securityContext: " + tc.security + "}]}}}", "spec.pod.patch.spec.containers[fleet]",
			},
		} {
			t.Run(sentence+" "+place, func(t *testing.T) {
				_, err := podOf(t, at.pod)
				refused(t, err, v1alpha1.ReasonSecurityFloor, at.field+".securityContext."+tc.field)
			})
		}
	}
}

// What weakens the pod as a whole can only come from a patch, or from a volume.
func TestNoPodFallsBelowTheFloor(t *testing.T) {
	for sentence, tc := range map[string]struct{ pod, field string }{
		"the node's network":   {"{patch: {spec: {hostNetwork: true}}}", "patch.spec.hostNetwork"},
		"the node's processes": {"{patch: {spec: {hostPID: true}}}", "patch.spec.hostPID"},
		"the node's IPC":       {"{patch: {spec: {hostIPC: true}}}", "patch.spec.hostIPC"},
		"a port of the node": {
			"{sidecars: [{name: x, image: 'x:1', ports: [{containerPort: 80, hostPort: 80}]}]}", "sidecars[0].ports",
		},
		"a port of the node in a patch": {
			"{patch: {spec: {containers: [{name: x, image: 'x:1', ports: [{containerPort: 80, hostPort: 80}]}]}}}", "patch.spec.containers[x].ports",
		},
		"a directory of the node":            {"{volumes: [{name: x, hostPath: {path: /}}]}", "volumes[0].hostPath"},
		"a directory of the node in a patch": {"{patch: {spec: {volumes: [{name: x, hostPath: {path: /}}]}}}", "patch.spec.volumes[x].hostPath"},
		"an NFS share":                       {"{volumes: [{name: z, emptyDir: {}}, {name: x, nfs: {server: a, path: /}}]}", "volumes[1]"},
		"a probe of another host": {
			"{sidecars: [{name: x, image: 'x:1', livenessProbe: {httpGet: {host: 10.0.0.1, port: 80}}}]}", "sidecars[0]",
		},
		"a dangerous sysctl":       {"{patch: {spec: {securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}}}}", "patch.spec.securityContext.sysctls"},
		"no seccomp for all":       {"{patch: {spec: {securityContext: {seccompProfile: {type: Unconfined}}}}}", "patch.spec.securityContext.seccompProfile"},
		"root for all":             {"{patch: {spec: {securityContext: {runAsUser: 0}}}}", "patch.spec.securityContext.runAsUser"},
		"root allowed for all":     {"{patch: {spec: {securityContext: {runAsNonRoot: false}}}}", "patch.spec.securityContext.runAsNonRoot"},
		"another user for all":     {"{patch: {spec: {securityContext: {runAsUser: 1000}}}}", "patch.spec.securityContext.runAsUser"},
		"another group for all":    {"{patch: {spec: {securityContext: {runAsGroup: 1000}}}}", "patch.spec.securityContext.runAsGroup"},
		"another group for files":  {"{patch: {spec: {securityContext: {fsGroup: 0}}}}", "patch.spec.securityContext.fsGroup"},
		"the group of the system":  {"{patch: {spec: {securityContext: {supplementalGroups: [0]}}}}", "patch.spec.securityContext.supplementalGroups"},
		"Windows":                  {"{patch: {spec: {os: {name: windows}}}}", "patch.spec.os"},
		"an AppArmor annotation":   {"{patch: {metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/fleet: unconfined}}}}", "patch.metadata.annotations"},
		"the API server's token":   {"{patch: {spec: {automountServiceAccountToken: true}}}", "patch.spec.automountServiceAccountToken"},
		"a token of the account's": {"{volumes: [{name: x, projected: {sources: [{serviceAccountToken: {path: t}}]}}]}", "volumes[0].projected.sources"},
		"a token in a patch": {
			"{patch: {spec: {volumes: [{name: x, projected: {sources: [{serviceAccountToken: {path: t}}]}}]}}}", "patch.spec.volumes[x].projected.sources",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, err := podOf(t, tc.pod)
			refused(t, err, v1alpha1.ReasonSecurityFloor, "spec.pod."+tc.field)
		})
	}
}

// The rest of the system relies on what the operator puts into a pod.
func TestWhatIsOursStays(t *testing.T) {
	for sentence, tc := range map[string]struct{ pod, field string }{
		"a label of the selector":   {"{patch: {metadata: {labels: {argus.dev/fleet: other}}}}", "patch.metadata.labels[argus.dev/fleet]"},
		"a label taken away":        {"{patch: {metadata: {labels: {app.kubernetes.io/name: null}}}}", "patch.metadata.labels[app.kubernetes.io/name]"},
		"the account":               {"{patch: {spec: {serviceAccountName: admin}}}", "patch.spec.serviceAccountName"},
		"our container taken away":  {"{patch: {spec: {containers: [{name: fleet, $patch: delete}, {name: x, image: 'x:1'}]}}}", "patch.spec.containers[fleet]"},
		"all containers replaced":   {"{patch: {spec: {containers: [{name: x, image: 'x:1'}, {$patch: replace}]}}}", "patch.spec.containers[fleet]"},
		"the image":                 {"{patch: {spec: {containers: [{name: fleet, image: 'x:1'}]}}}", "patch.spec.containers[fleet].image"},
		"a variable":                {"{patch: {spec: {containers: [{name: fleet, env: [{name: ARGUS_FLEET_PORT, value: '1'}]}]}}}", "patch.spec.containers[fleet].env[ARGUS_FLEET_PORT]"},
		"a variable taken away":     {"{patch: {spec: {containers: [{name: fleet, env: [{name: ARGUS_FLEET_HOST, $patch: delete}]}]}}}", "patch.spec.containers[fleet].env[ARGUS_FLEET_HOST]"},
		"a token beside its file":   {"{patch: {spec: {containers: [{name: fleet, env: [{name: ARGUS_FLEET_ADMIN_TOKEN, value: t}]}]}}}", "patch.spec.containers[fleet].env[ARGUS_FLEET_ADMIN_TOKEN]"},
		"a variable in pod.env":     {"{env: [{name: ARGUS_FLEET_PORT, value: '1'}]}", "env[ARGUS_FLEET_PORT]"},
		"the port":                  {"{patch: {spec: {containers: [{name: fleet, ports: [{containerPort: 9190, name: other}]}]}}}", "patch.spec.containers[fleet].ports[http]"},
		"the volume of the state":   {"{patch: {spec: {volumes: [{name: state, $retainKeys: [name, emptyDir], emptyDir: {}}]}}}", "patch.spec.volumes[state]"},
		"the volume of the tokens":  {"{patch: {spec: {volumes: [{name: tokens, secret: {secretName: other}}]}}}", "patch.spec.volumes[tokens]"},
		"the mount of the state":    {"{patch: {spec: {containers: [{name: fleet, volumeMounts: [{mountPath: /data, name: tmp}]}]}}}", "patch.spec.containers[fleet].volumeMounts[/data]"},
		"a mount over the tokens":   {"{patch: {spec: {containers: [{name: fleet, volumeMounts: [{mountPath: /var/run/secrets/argus.dev/tokens/admin-token, name: tmp}]}]}}}", "patch.spec.containers[fleet].volumeMounts[/var/run/secrets/argus.dev/tokens/admin-token]"},
		"a mount in a secret's dir": {"{volumes: [{name: x, emptyDir: {}}], volumeMounts: [{name: x, mountPath: /var/run/secrets/argus.dev/x}]}", "volumeMounts[0].mountPath"},
		"a mount over the state":    {"{volumes: [{name: x, emptyDir: {}}], volumeMounts: [{name: x, mountPath: /other}, {name: x, mountPath: /data/../data/}]}", "volumeMounts[1].mountPath"},
		"a mount in /tmp":           {"{volumes: [{name: x, emptyDir: {}}], volumeMounts: [{name: x, mountPath: /tmp/cache}]}", "volumeMounts[0].mountPath"},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, err := podOf(t, tc.pod)
			refused(t, err, v1alpha1.ReasonSecurityFloor, "spec.pod."+tc.field)
		})
	}
}

func TestWhatIsNoPieceOfAPodIsRefused(t *testing.T) {
	for sentence, tc := range map[string]struct{ pod, field string }{
		"a misspelt field":              {"{sidecars: [{name: x, image: 'x:1'}, {name: z, imagee: 'z:1'}]}", "sidecars[1].imagee"},
		"a misspelt field further down": {"{initContainers: [{name: x, image: 'x:1', securityContext: {runasuser: 1}}]}", "initContainers[0].securityContext.runasuser"},
		"a misspelt field in a list":    {"{sidecars: [{name: x, image: 'x:1', ports: [{port: 1}]}]}", "sidecars[0].ports[0].port"},
		"a misspelt volume":             {"{volumes: [{name: x, emptydir: {}}]}", "volumes[0].emptydir"},
		"a value of another type":       {"{volumes: [{name: 5}]}", "volumes[0]"},
		"a volume without a name":       {"{volumes: [{emptyDir: {}}]}", "volumes[0].name"},
		"a volume twice":                {"{volumes: [{name: x, emptyDir: {}}, {name: x, emptyDir: {}}]}", "volumes[1].name"},
		"a volume named as ours":        {"{volumes: [{name: tokens, emptyDir: {}}]}", "volumes[0].name"},
		"a container without a name":    {"{sidecars: [{image: 'x:1'}]}", "sidecars[0].name"},
		"a container without an image":  {"{sidecars: [{name: x}]}", "sidecars[0].image"},
		"a container named as ours":     {"{sidecars: [{name: fleet, image: 'x:1'}]}", "sidecars[0].name"},
		"an init container as ours":     {"{initContainers: [{name: fleet, image: 'x:1'}]}", "initContainers[0].name"},
		"a container twice":             {"{initContainers: [{name: x, image: 'x:1'}], sidecars: [{name: x, image: 'x:1'}]}", "sidecars[0].name"},
		"a misspelt patch":              {"{patch: {spec: {containers: [{name: fleet, livenesProbe: {}}]}}}", "patch.spec.containers[0].livenesProbe"},
		"a patch of something else":     {"{patch: {replicas: 2}}", "patch.replicas"},
		"a patch of another type":       {"{patch: {spec: {containers: 5}}}", "patch"},
		"a patch without a name":        {"{patch: {spec: {containers: [{image: 'x:1'}]}}}", "patch"},
		"a patch with a wrong directive": {
			"{patch: {spec: {containers: [{name: fleet, $patch: destroy}]}}}", "patch",
		},
		"a quantity that takes for ever": {
			"{sidecars: [{name: x, image: 'x:1', resources: {limits: {cpu: '1e-1000000000'}}}]}", "sidecars[0].resources.limits.cpu",
		},
		"a quantity of a thousand digits": {"{volumes: [{name: x, emptyDir: {sizeLimit: '" + strings.Repeat("7", 1000) + "'}}]}", "volumes[0].emptyDir.sizeLimit"},
		"a huge quantity in a patch": {
			"{patch: {spec: {containers: [{name: fleet, resources: {limits: {memory: '1E9999999'}}}]}}}", "patch.spec.containers[0].resources.limits.memory",
		},
		"an ephemeral container": {"{patch: {spec: {ephemeralContainers: [{name: x, image: 'x:1'}]}}}", "patch.spec.ephemeralContainers"},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, err := podOf(t, tc.pod)
			refused(t, err, v1alpha1.ReasonInvalidPod, "spec.pod."+tc.field)
		})
	}
}

// What only tunes a pod is left as it is, and hardened like the rest.
func TestWhatTheFloorAllows(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for sentence, pod := range map[string]string{
		"nothing":                         "{}",
		"an empty patch":                  "{patch: {}}",
		"what is so already":              "{patch: {spec: {hostNetwork: false, securityContext: {runAsUser: 10001}, containers: [{name: fleet, image: ghcr.io/argus-dev/argus-fleet:v1}]}}}",
		"to bind a low port":              "{sidecars: [{name: x, image: 'x:1', securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}}]}",
		"our own user, said again":        "{sidecars: [{name: x, image: 'x:1', securityContext: {runAsUser: 10001, runAsGroup: 10001}}]}",
		"a profile of the node's":         "{patch: {spec: {securityContext: {seccompProfile: {type: Localhost, localhostProfile: fleet.json}}}}}",
		"a hardening field taken away":    "{patch: {spec: {securityContext: {runAsUser: null}, containers: [{name: fleet, securityContext: null}]}}}",
		"a security context replaced":     "{patch: {spec: {securityContext: {$patch: replace}}}}",
		"a group of a share's":            "{patch: {spec: {securityContext: {supplementalGroups: [3000]}}}}",
		"the token where it is asked for": "{serviceAccount: {automountToken: true}, volumes: [{name: x, projected: {sources: [{serviceAccountToken: {path: t}}]}}]}",
		"a mount beside ours":             "{volumes: [{name: x, emptyDir: {}}], volumeMounts: [{name: x, mountPath: /data2}, {name: x, mountPath: /var/run/secrets/other}]}",
		"a long number as text":           "{sidecars: [{name: x, image: 'x:1', args: ['1e99999'], env: [{name: MOST, value: '1e99999'}]}]}",
		"a variable of the image's":       "{patch: {spec: {containers: [{name: fleet, env: [{name: GOMEMLIMIT, value: 400MiB}]}]}}}",
	} {
		t.Run(sentence, func(t *testing.T) {
			template, err := podOf(t, pod)
			if err != nil {
				t.Fatal(err)
			}
			restricted := psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}
			for _, result := range evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec) {
				if !result.Allowed {
					t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
				}
			}
			if user := template.Spec.SecurityContext.RunAsUser; user == nil || *user != userID {
				t.Errorf("the user is %s", text(user))
			}
			for _, container := range template.Spec.Containers {
				checkContainer(t, container.Name, container)
			}
		})
	}
}
