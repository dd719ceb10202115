package manifests

import (
	"fmt"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

// BotContainer is the name of the bot's own container in its pods.
const BotContainer = "bot"

const (
	botStateDir = "/var/lib/argus"
	envPodIP    = "POD_IP"
)

// BotDeployments are the clusters of a bot in a form of their pods, in order of their
// index. fleet is the control plane that the bot joins, or nil; secrets is the
// SecretDigest that the pods follow, or "". The error is a *PodError.
func BotDeployments(bot *v1alpha1.ArgusBot, fleet *FleetTarget, secrets string, form Form) ([]*appsv1.Deployment, error) {
	if otlp := bot.Spec.OTLP; otlp != nil {
		if _, err := portOf(otlp.Endpoint); err != nil {
			return nil, &PodError{Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.otlp.endpoint", Message: err.Error()}
		}
	}
	ranges := ShardRanges(bot.Spec.Sharding)
	deployments := make([]*appsv1.Deployment, 0, len(ranges))
	for index, shards := range ranges {
		deployment, err := botDeployment(bot, fleet, index, shards)
		if err != nil {
			return nil, err
		}
		if secrets != "" {
			deployment.Spec.Template.Annotations[annotationSecrets] = secrets
		}
		if err := revise(deployment, form); err != nil {
			return nil, fmt.Errorf("naming the revision of cluster %d: %w", index, err)
		}
		deployments = append(deployments, deployment)
	}
	return deployments, nil
}

// botDeployment runs one cluster: one replica, replaced by stopping the old pod
// first, because two processes of one cluster would answer every command twice.
func botDeployment(bot *v1alpha1.ArgusBot, fleet *FleetTarget, index int, shards ShardRange) (*appsv1.Deployment, error) {
	labels := botClusterLabels(bot.Name, index)
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: botAnnotations(bot, fleet, shards)},
		Spec:       botPod(bot, fleet, index, shards),
	}
	if err := finishPod(&template, bot.Spec.Pod); err != nil {
		return nil, err
	}
	return &appsv1.Deployment{
		ObjectMeta: objectMeta(BotClusterName(bot.Name, index), bot.Namespace, labels, BotOwner(bot)),
		Spec: appsv1.DeploymentSpec{
			Replicas:             ptr.To[int32](1),
			RevisionHistoryLimit: ptr.To[int32](2),
			MinReadySeconds:      RolloutOf(bot).MinReadySeconds,
			Strategy:             appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Selector:             &metav1.LabelSelector{MatchLabels: BotClusterSelector(bot.Name, index)},
			Template:             template,
		},
	}, nil
}

// annotationFleetToken on a pod is the fingerprint of the fleet token in its
// environment, so that a process which reads it once restarts with a new one.
const annotationFleetToken = "argus.dev/fleet-token"

func botAnnotations(bot *v1alpha1.ArgusBot, fleet *FleetTarget, shards ShardRange) map[string]string {
	annotations := merge(map[string]string{annotationShards: Layout(bot, shards)}, restart(bot))
	if fleet != nil && fleet.TokenFingerprint != "" && libraryDelivery(bot) == v1alpha1.DeliverEnv {
		annotations[annotationFleetToken] = fleet.TokenFingerprint
	}
	return annotations
}

func botPod(bot *v1alpha1.ArgusBot, fleet *FleetTarget, index int, shards ShardRange) corev1.PodSpec {
	effective := BotEffective(bot, fleet)
	parts := botParts(bot, fleet)
	tmp, tmpMount := scratchVolume("tmp", "/tmp", "64Mi")
	state, stateMount := stateVolume(bot, index)
	env := append(botEnv(effective, index, shards), dashboardEnv(bot),
		envValue(fleetapi.EnvMemberCommonShardCount, strconv.Itoa(int(bot.Spec.Sharding.Total))))
	env = slices.Concat(env, fleetMemberEnv(fleet, effective), telemetryEnv(bot), parts.env)
	startup, liveness, readiness := botProbes(bot)
	return corev1.PodSpec{
		ServiceAccountName:            BotName(bot.Name),
		TerminationGracePeriodSeconds: ptr.To(or(bot.Spec.TerminationGracePeriodSeconds, defaultGracePeriodSeconds)),
		Volumes:                       append(parts.volumes, state, tmp),
		Containers: []corev1.Container{{
			Name:           BotContainer,
			Image:          bot.Spec.Image,
			Command:        bot.Spec.Command,
			Args:           bot.Spec.Args,
			Env:            env,
			Ports:          []corev1.ContainerPort{{Name: portName, ContainerPort: effective.MetricsPort, Protocol: corev1.ProtocolTCP}},
			Resources:      botResources(),
			VolumeMounts:   append(parts.mounts, stateMount, tmpMount),
			StartupProbe:   startup,
			LivenessProbe:  liveness,
			ReadinessProbe: readiness,
		}},
	}
}

// botEnv tells the process who it is.
func botEnv(effective v1alpha1.BotEffective, index int, shards ShardRange) []corev1.EnvVar {
	identity := Identity(effective.IdentityPrefix, index)
	return []corev1.EnvVar{
		envValue(fleetapi.EnvMemberClusterID, identity),
		envValue(fleetapi.EnvMemberCommonClusterID, identity),
		envValue(fleetapi.EnvMemberCommonShardIDs, shards.list()),
		envValue(fleetapi.EnvMemberHost, "0.0.0.0"),
		envValue(fleetapi.EnvMemberPort, strconv.Itoa(int(effective.MetricsPort))),
		envValue(fleetapi.EnvMemberMetricsPath, effective.MetricsPath),
		envValue(fleetapi.EnvMetricPrefix, effective.MetricPrefix),
	}
}

func dashboardEnv(bot *v1alpha1.ArgusBot) corev1.EnvVar {
	on := bot.Spec.Dashboard != nil && or(bot.Spec.Dashboard.State, v1alpha1.Enabled) == v1alpha1.Enabled
	return envValue(fleetapi.EnvMemberDashboard, onOff(on))
}

// fleetMemberEnv tells the process where to beat; the token is among its secrets.
func fleetMemberEnv(fleet *FleetTarget, effective v1alpha1.BotEffective) []corev1.EnvVar {
	if fleet == nil {
		return nil
	}
	return []corev1.EnvVar{
		envValue(fleetapi.EnvMemberFleetURL, fleet.URL),
		envValue(fleetapi.EnvMemberFleetGroup, effective.Region),
		envValue(fleetapi.EnvMemberStateDir, botStateDir),
		// POD_IP must stand before the variable that refers to it.
		{Name: envPodIP, ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "status.podIP"},
		}},
		envValue(fleetapi.EnvMemberScrapeTarget, "$("+envPodIP+"):"+strconv.Itoa(int(effective.MetricsPort))),
	}
}
