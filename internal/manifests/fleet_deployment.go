package manifests

import (
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/internal/tokens"
)

// FleetContainer is the name of the container that runs the control plane.
const FleetContainer = "fleet"

const (
	fleetStateDir    = "/data"
	fleetStateFile   = fleetStateDir + "/argus-fleet-state.db"
	fleetTokenVolume = "tokens"
	fleetTLSVolume   = "tls"
)

// FleetDeployment runs the control plane: one replica, replaced by stopping the
// old pod first, because a single process may hold the state file. The error is a *PodError.
func FleetDeployment(fleet *v1alpha1.ArgusFleet, options Options) (*appsv1.Deployment, error) {
	if err := checkFleet(fleet); err != nil {
		return nil, err
	}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: fleetLabels(fleet.Name)},
		Spec:       fleetPod(fleet, options),
	}
	if err := finishPod(&template, fleet.Spec.Pod); err != nil {
		return nil, err
	}
	return &appsv1.Deployment{
		ObjectMeta: objectMeta(FleetName(fleet.Name), fleet.Namespace, fleetLabels(fleet.Name), FleetOwner(fleet)),
		Spec: appsv1.DeploymentSpec{
			Replicas:             ptr.To[int32](1),
			RevisionHistoryLimit: ptr.To[int32](2),
			Strategy:             appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Selector:             &metav1.LabelSelector{MatchLabels: FleetSelector(fleet.Name)},
			Template:             template,
		},
	}, nil
}

// checkFleet refuses what the schema cannot tell to be wrong and the process could
// only refuse at its start.
func checkFleet(fleet *v1alpha1.ArgusFleet) error {
	if prometheus := fleet.Spec.Prometheus; prometheus != nil {
		if _, err := portOf(prometheus.URL); err != nil {
			return &PodError{Reason: v1alpha1.ReasonInvalidSpec, Field: "spec.prometheus.url", Message: err.Error()}
		}
	}
	return nil
}

func fleetPod(fleet *v1alpha1.ArgusFleet, options Options) corev1.PodSpec {
	tokenVolume, tokenMount := secretVolume(fleetTokenVolume, FleetTokenSecret(fleet), tokens.ServerKeys()...)
	tmpVolume, tmpMount := scratchVolume("tmp", "/tmp", "64Mi")
	state := corev1.Volume{Name: "state", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: FleetClaimName(fleet)},
	}}
	parts := fleetParts(fleet)
	scheme := corev1.URIScheme(strings.ToUpper(fleetScheme(fleet)))
	return corev1.PodSpec{
		ServiceAccountName:            FleetName(fleet.Name),
		TerminationGracePeriodSeconds: ptr.To[int64](defaultFleetGracePeriodSeconds),
		Volumes:                       append([]corev1.Volume{state, tokenVolume, tmpVolume}, parts.volumes...),
		Containers: []corev1.Container{{
			Name:         FleetContainer,
			Image:        FleetImage(fleet, options),
			Args:         []string{"run"},
			Env:          append(fleetEnv(fleet), parts.env...),
			Ports:        []corev1.ContainerPort{{Name: portName, ContainerPort: fleetapi.DefaultFleetPort, Protocol: corev1.ProtocolTCP}},
			Resources:    fleetResources(),
			VolumeMounts: append([]corev1.VolumeMount{{Name: state.Name, MountPath: fleetStateDir}, tokenMount, tmpMount}, parts.mounts...),
			// Ten minutes: a large state file is read before the first answer.
			StartupProbe:   httpProbe(fleetapi.PathHealthz, scheme, 2, 300),
			LivenessProbe:  httpProbe(fleetapi.PathHealthz, scheme, 10, 3),
			ReadinessProbe: httpProbe(fleetapi.PathReadyz, scheme, 5, 2),
		}},
	}
}

// fleetEnv sets the control plane's settings explicitly, defaults too, so that the
// operator and not the image decides what is in force.
func fleetEnv(fleet *v1alpha1.ArgusFleet) []corev1.EnvVar {
	spec, effective := &fleet.Spec, FleetEffective(&fleet.Spec)
	number := func(value int32) string { return strconv.Itoa(int(value)) }
	file := func(name, key string) corev1.EnvVar {
		return envValue(name+fleetapi.FileSuffix, secretDir(fleetTokenVolume)+"/"+key)
	}
	env := []corev1.EnvVar{
		envValue(fleetapi.EnvFleetHost, "0.0.0.0"),
		envValue(fleetapi.EnvFleetPort, number(fleetapi.DefaultFleetPort)),
		envValue(fleetapi.EnvFleetState, fleetStateFile),
		file(fleetapi.EnvFleetIngestToken, tokens.KeyIngest),
		file(fleetapi.EnvFleetViewerToken, tokens.KeyViewer),
		file(fleetapi.EnvFleetAdminToken, tokens.KeyAdmin),
		file(fleetapi.EnvFleetSecretPepper, tokens.KeyPepper),
		envValue(fleetapi.EnvFleetHeartbeatInterval, number(effective.HeartbeatIntervalSeconds)),
		envValue(fleetapi.EnvFleetTTLFactor, number(effective.TTLFactor)),
		envValue(fleetapi.EnvMetricPrefix, effective.MetricPrefix),
		envValue(fleetapi.EnvFleetMaxClusters, number(effective.MaxClusters)),
		envValue(fleetapi.EnvFleetRequireLease, onOff(or(spec.Leases, v1alpha1.LeasesIssued) == v1alpha1.LeasesRequired)),
		envValue(fleetapi.EnvFleetAuditLog, onOff(or(spec.AuditLog, v1alpha1.Enabled) == v1alpha1.Enabled)),
		envValue(fleetapi.EnvFleetLogFormat, "json"),
	}
	if days := or(spec.RetentionDays, 0); days > 0 {
		env = append(env, envValue(fleetapi.EnvFleetRetentionDays, number(days)))
	}
	if len(spec.CORSOrigins) > 0 {
		env = append(env, envValue(fleetapi.EnvFleetCORSOrigins, strings.Join(spec.CORSOrigins, ",")))
	}
	if len(spec.TrustedProxies) > 0 {
		env = append(env, envValue(fleetapi.EnvFleetTrustedProxies, strings.Join(spec.TrustedProxies, ",")))
	}
	return append(env, limitsEnv(or(spec.Limits, v1alpha1.FleetLimits{}))...)
}

// limitsEnv sets only the limits that the user chose: the server knows the others' defaults.
func limitsEnv(limits v1alpha1.FleetLimits) []corev1.EnvVar {
	var env []corev1.EnvVar
	for _, limit := range []struct {
		name  string
		value *int32
	}{
		{fleetapi.EnvFleetMaxBodyBytes, limits.MaxBodyBytes},
		{fleetapi.EnvFleetRegisterBurst, limits.RegisterBurst},
		{fleetapi.EnvFleetHeartbeatBurst, limits.HeartbeatBurst},
		{fleetapi.EnvFleetReadBurst, limits.ReadBurst},
		{fleetapi.EnvFleetViewCacheMillis, limits.ViewCacheMillis},
	} {
		if limit.value != nil {
			env = append(env, envValue(limit.name, strconv.Itoa(int(*limit.value))))
		}
	}
	return env
}

// onOff is a boolean as the original system writes it.
func onOff(on bool) string {
	if on {
		return "1"
	}
	return "0"
}
