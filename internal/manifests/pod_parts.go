package manifests

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
	"github.com/argus-dev/argus-operator/fleetapi"
)

const (
	// secretsDir holds a directory for each mounted Secret.
	secretsDir = "/var/run/secrets/argus.dev"
	// secretMode lets the process read its secrets through its group, and nobody else.
	secretMode = 0o440
	portName   = "http"
)

// secretVolume mounts some keys of a Secret as a directory of files, never by
// subPath, so that a rotated Secret arrives in a running pod.
func secretVolume(name, secret string, keys ...string) (corev1.Volume, corev1.VolumeMount) {
	source := &corev1.SecretVolumeSource{SecretName: secret, DefaultMode: ptr.To[int32](secretMode)}
	for _, key := range keys {
		source.Items = append(source.Items, corev1.KeyToPath{Key: key, Path: key})
	}
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: source}},
		corev1.VolumeMount{Name: name, MountPath: secretDir(name), ReadOnly: true}
}

func secretDir(volume string) string { return secretsDir + "/" + volume }

func scratchVolume(name, path, size string) (corev1.Volume, corev1.VolumeMount) {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: ptr.To(resource.MustParse(size))},
		}},
		corev1.VolumeMount{Name: name, MountPath: path}
}

func httpProbe(path string, scheme corev1.URIScheme, periodSeconds, failureThreshold int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path, Port: intstr.FromString(portName), Scheme: scheme,
		}},
		TimeoutSeconds: 3, PeriodSeconds: periodSeconds, FailureThreshold: failureThreshold,
	}
}

func envValue(name, value string) corev1.EnvVar { return corev1.EnvVar{Name: name, Value: value} }

// podParts are what an optional piece of a workload needs in its pod.
type podParts struct {
	volumes []corev1.Volume
	mounts  []corev1.VolumeMount
	env     []corev1.EnvVar
}

func (p *podParts) mount(volume corev1.Volume, mount corev1.VolumeMount) {
	p.volumes, p.mounts = append(p.volumes, volume), append(p.mounts, mount)
}

func (p *podParts) set(name, value string) { p.env = append(p.env, envValue(name, value)) }

// secret mounts one key and names its file in the variable that ends in _FILE.
func (p *podParts) secret(volume, variable string, ref v1alpha1.SecretKeyRef) {
	source, mount := secretVolume(volume, ref.Name, ref.Key)
	p.mount(source, mount)
	p.set(variable+fleetapi.FileSuffix, mount.MountPath+"/"+ref.Key)
}

// authority mounts one key of a Secret or ConfigMap, never what stands beside it, and
// names its file in a variable.
func (p *podParts) authority(volume, variable string, ca *v1alpha1.CARef) {
	if ca == nil {
		return
	}
	source, mount := secretVolume(volume, ca.Name, ca.Key)
	if inConfigMap(ca) {
		source.VolumeSource = corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: ca.Name},
			DefaultMode:          source.Secret.DefaultMode,
			Items:                source.Secret.Items,
		}}
	}
	p.mount(source, mount)
	p.set(variable, mount.MountPath+"/"+ca.Key)
}
