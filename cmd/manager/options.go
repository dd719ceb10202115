package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/argus-dev/argus-operator/controllers"
	"github.com/argus-dev/argus-operator/internal/manifests"
)

// Where the operator's namespace comes from: the downward API, or the file that
// every pod with a service account token has.
const (
	envNamespace  = "POD_NAMESPACE"
	namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
)

const imageRepository = "ghcr.io/argus-dev/argus-fleet"

// options are the flags as given.
type options struct {
	leaderElect          bool
	probeAddress         string
	metricsAddress       string
	metricsAuth          string
	watchNamespaces      []string
	fleetImage           string
	allowExternalFleets  bool
	ingressNamespaces    string
	monitoringNamespaces string
	podLabels            string
	kindsInterval        time.Duration
	logFormat            string
	logLevel             string
}

// settings are the flags once they are known to be sound.
type settings struct {
	options
	namespace string
	level     slog.Level
	manifests manifests.Options
}

func defaultOptions() *options {
	return &options{
		leaderElect:    true,
		probeAddress:   ":8081",
		metricsAddress: ":8443",
		metricsAuth:    "kubernetes",
		fleetImage:     imageRepository + ":" + version,
		podLabels:      "app.kubernetes.io/name=argus-operator",
		kindsInterval:  controllers.DefaultKindsInterval,
		logFormat:      "json",
		logLevel:       "info",
	}
}

func (o *options) bind(flags *pflag.FlagSet) {
	flags.BoolVar(&o.leaderElect, "leader-elect", o.leaderElect, "let one of several replicas act at a time")
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", o.probeAddress, "where /healthz and /readyz are served")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", o.metricsAddress, "where /metrics is served; 0 switches it off")
	flags.StringVar(&o.metricsAuth, "metrics-auth", o.metricsAuth,
		"kubernetes: HTTPS, callers need a token that may get /metrics; none: plain HTTP for anyone who reaches the port")
	flags.StringSliceVar(&o.watchNamespaces, "watch-namespaces", nil, "namespaces to act in, separated by commas; none means all")
	flags.StringVar(&o.fleetImage, "fleet-image", o.fleetImage, "image of control planes whose ArgusFleet names none")
	flags.BoolVar(&o.allowExternalFleets, "allow-external-fleets", false,
		"read the status of control planes that an ArgusBot names by URL")
	flags.StringVar(&o.ingressNamespaces, "ingress-namespace-selector", "",
		"label selector of the namespaces whose pods may reach control planes as an ingress; none means none")
	flags.StringVar(&o.monitoringNamespaces, "monitoring-namespace-selector", "",
		"label selector of the namespaces whose pods may scrape; none means any namespace, and for a control plane any where it has a ServiceMonitor")
	flags.StringVar(&o.podLabels, "operator-pod-labels", o.podLabels,
		"labels of the operator's own pods, which NetworkPolicies let in")
	flags.DurationVar(&o.kindsInterval, "optional-kinds-interval", o.kindsInterval,
		"how often to look whether the cluster has the Gateway API and the Prometheus Operator, at least 1s")
	flags.StringVar(&o.logFormat, "log-format", o.logFormat, "json or text")
	flags.StringVar(&o.logLevel, "log-level", o.logLevel, "debug, info, warn or error")
}

// validate returns the settings, or an error that names each wrong flag.
func (o *options) validate() (*settings, error) {
	s := &settings{options: *o, namespace: ownNamespace()}
	var wrong []error
	if err := s.level.UnmarshalText([]byte(o.logLevel)); err != nil {
		wrong = append(wrong, fmt.Errorf("--log-level %q: use debug, info, warn or error", o.logLevel))
	}
	if o.logFormat != "json" && o.logFormat != "text" {
		wrong = append(wrong, fmt.Errorf("--log-format %q: use json or text", o.logFormat))
	}
	if o.metricsAuth != "kubernetes" && o.metricsAuth != "none" {
		wrong = append(wrong, fmt.Errorf("--metrics-auth %q: use kubernetes or none", o.metricsAuth))
	}
	if o.fleetImage == "" {
		wrong = append(wrong, errors.New("--fleet-image is empty: give an image with a tag or digest"))
	}
	if o.kindsInterval < time.Second {
		wrong = append(wrong, fmt.Errorf("--optional-kinds-interval %s: use 1s or more", o.kindsInterval))
	}
	for _, namespace := range o.watchNamespaces {
		if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
			wrong = append(wrong, fmt.Errorf("--watch-namespaces %q: %s", namespace, strings.Join(problems, "; ")))
		}
	}
	if s.namespace == "" {
		wrong = append(wrong, fmt.Errorf("the operator's namespace is not known: set %s", envNamespace))
	}
	wrong = append(wrong, s.peers(o))
	return s, errors.Join(wrong...)
}

func (s *settings) peers(o *options) error {
	ingress, ingressErr := selector("--ingress-namespace-selector", o.ingressNamespaces)
	monitoring, monitoringErr := selector("--monitoring-namespace-selector", o.monitoringNamespaces)
	pods, podsErr := selector("--operator-pod-labels", o.podLabels)
	if err := errors.Join(ingressErr, monitoringErr, podsErr); err != nil {
		return err
	}
	if pods == nil || len(pods.MatchExpressions) > 0 {
		return fmt.Errorf("--operator-pod-labels %q: give labels as name=value, separated by commas", o.podLabels)
	}
	s.manifests = manifests.Options{
		FleetImage:           o.fleetImage,
		OperatorNamespace:    s.namespace,
		OperatorLabels:       pods.MatchLabels,
		IngressNamespaces:    ingress,
		MonitoringNamespaces: monitoring,
	}
	return nil
}

func selector(flag, text string) (*metav1.LabelSelector, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nil is what "not given" means to the builders
	}
	parsed, err := metav1.ParseToLabelSelector(text)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", flag, text, err)
	}
	return parsed, nil
}

func ownNamespace() string {
	if namespace := os.Getenv(envNamespace); namespace != "" {
		return namespace
	}
	content, err := os.ReadFile(namespaceFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}
