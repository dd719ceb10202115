package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func parse(t *testing.T, args ...string) (*settings, error) {
	t.Helper()
	t.Setenv(envNamespace, "argus-system")
	options := defaultOptions()
	flags := pflag.NewFlagSet("manager", pflag.ContinueOnError)
	options.bind(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return options.validate()
}

func TestWrongFlagsAreNamedWithTheirValue(t *testing.T) {
	for sentence, tc := range map[string]struct {
		args []string
		want []string
	}{
		"the defaults are sound":          {nil, nil},
		"an unknown log level":            {[]string{"--log-level=loud"}, []string{`--log-level "loud"`, "debug, info, warn or error"}},
		"an unknown log format":           {[]string{"--log-format=xml"}, []string{`--log-format "xml"`, "json or text"}},
		"an unknown way to authenticate":  {[]string{"--metrics-auth=basic"}, []string{`--metrics-auth "basic"`, "kubernetes or none"}},
		"no image for control planes":     {[]string{"--fleet-image="}, []string{"--fleet-image is empty"}},
		"a namespace that cannot exist":   {[]string{"--watch-namespaces=a,B_C"}, []string{`--watch-namespaces "B_C"`}},
		"a selector that is none":         {[]string{"--ingress-namespace-selector=a in"}, []string{"--ingress-namespace-selector", `"a in"`}},
		"labels that are no plain labels": {[]string{"--operator-pod-labels=app in (a, b)"}, []string{"--operator-pod-labels", "name=value"}},
		"a search without a pause":        {[]string{"--optional-kinds-interval=0s"}, []string{"--optional-kinds-interval", "1s or more"}},
		"each of several is named":        {[]string{"--log-level=x", "--metrics-auth=y"}, []string{"--log-level", "--metrics-auth"}},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, err := parse(t, tc.args...)
			if (err != nil) != (tc.want != nil) {
				t.Fatalf("error %v, want one: %v", err, tc.want != nil)
			}
			for _, word := range tc.want {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not name %s", err, word)
				}
			}
		})
	}
}

func TestAnUnknownNamespaceStopsTheStart(t *testing.T) {
	t.Setenv(envNamespace, "")
	if _, err := defaultOptions().validate(); err == nil || !strings.Contains(err.Error(), envNamespace) {
		t.Errorf("error %v, want one that names %s", err, envNamespace)
	}
}

func TestFlagsReachTheBuilders(t *testing.T) {
	s, err := parse(t, "--monitoring-namespace-selector=team=ops")
	if err != nil {
		t.Fatal(err)
	}
	monitoring := metav1.FormatLabelSelector(s.manifests.MonitoringNamespaces)
	if monitoring != "team=ops" || s.manifests.IngressNamespaces != nil {
		t.Errorf("monitoring %s and ingress %v, want team=ops and none", monitoring, s.manifests.IngressNamespaces)
	}
	if s.manifests.OperatorNamespace != "argus-system" || s.manifests.OperatorLabels["app.kubernetes.io/name"] != "argus-operator" {
		t.Errorf("the operator's own pods are %+v", s.manifests)
	}
}

func TestFlagsReachTheManager(t *testing.T) {
	s, err := parse(t, "--watch-namespaces=a,b", "--metrics-auth=none", "--leader-elect=false")
	if err != nil {
		t.Fatal(err)
	}
	scheme, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	options := managerOptions(s, scheme)
	if options.LeaderElection || options.LeaderElectionNamespace != "argus-system" || !options.LeaderElectionReleaseOnCancel {
		t.Errorf("leader election: %+v", options)
	}
	if len(options.Cache.DefaultNamespaces) != 2 {
		t.Errorf("namespaces %v, want two", options.Cache.DefaultNamespaces)
	}
}

func TestMetricsAreClosedUnlessOpened(t *testing.T) {
	secure := metricsOptions(&settings{options: *defaultOptions()})
	if !secure.SecureServing || secure.FilterProvider == nil {
		t.Error("metrics are open by default")
	}
	open := metricsOptions(&settings{options: options{metricsAuth: "none"}})
	if open.SecureServing || open.FilterProvider != nil {
		t.Error("metrics ask for a token that nobody can check")
	}
}
