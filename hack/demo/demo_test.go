package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestWhereTheDemoRuns(t *testing.T) {
	cases := map[string]struct {
		host      host
		want      mode
		complaint string // a part of it
	}{
		"root on Linux has a node":                      {host{"linux", true, ""}, onNode, ""},
		"another user has processes":                    {host{"linux", false, ""}, onProcesses, ""},
		"another system is told of Linux":               {host{"darwin", true, ""}, "", "Linux virtual machine"},
		"the current cluster needs neither":             {host{"darwin", false, "current"}, onCurrent, ""},
		"another word for a cluster is refused by name": {host{"linux", true, "kind"}, "", "DEMO_CLUSTER=kind"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := modeOf(tc.host)
			if got != tc.want || (err != nil) != (tc.complaint != "") {
				t.Fatalf("%q and %v, want %q", got, err, tc.want)
			}
			if err != nil && !strings.Contains(err.Error(), tc.complaint) {
				t.Errorf("complaint %v, want %q in it", err, tc.complaint)
			}
		})
	}
}

func TestAMemberGetsTheEnvironmentOfItsContainer(t *testing.T) {
	wanted := []corev1.EnvVar{
		{Name: "ARGUS_CLUSTER_ID", Value: "mybot-0"},
		{Name: "ARGUS_HOST", Value: "0.0.0.0"},
		{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{}},
		{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{}},
		{Name: "ARGUS_FLEET_SCRAPE_TARGET", Value: "$(POD_IP):9191"},
	}
	got := environment(wanted, map[string]string{"ARGUS_HOST": "127.0.0.1", "POD_IP": "127.0.0.1", "UNASKED": "x", "ARGUS_FLEET_SCRAPE_TARGET": ""})
	if diff := cmp.Diff([]string{"ARGUS_CLUSTER_ID=mybot-0", "ARGUS_HOST=127.0.0.1", "POD_IP=127.0.0.1"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestOnlyADemoWithoutANodeSaysWhatItLacks(t *testing.T) {
	for _, where := range []mode{onNode, onProcesses, onCurrent} {
		var out bytes.Buffer
		steps := newDemo(&out, true, where).steps()
		if said := strings.Contains(out.String(), "sudo make demo"); said != (where == onProcesses) {
			t.Errorf("%s: says %q", where, out.String())
		}
		if len(steps) < 4 {
			t.Errorf("%s: only %d steps", where, len(steps))
		}
	}
}

func TestOneDemoAtATime(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	unlock, err := lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(); err == nil || !strings.Contains(err.Error(), "already running") {
		t.Errorf("a second demo got %v, want to be told of the first", err)
	}
	unlock()
	if path, err := lockPath(); err != nil {
		t.Error(err)
	} else if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left behind: %v", path, err)
	}
	unlock, err = lock()
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	unlock()
}

func TestFreePortPassesTakenOnes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	wanted := taken.Addr().(*net.TCPAddr).Port
	got, err := freePort(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	if got <= wanted || got >= wanted+100 {
		t.Errorf("port %d is taken; chose %d", wanted, got)
	}
}

func TestGuideNamesWhatAVisitorNeeds(t *testing.T) {
	text := guide("/state/kubeconfig", "/cache/bin", 9191, "the-token", "follow the log")
	for _, want := range []string{
		"http://127.0.0.1:9191/?token=the-token", "KUBECONFIG=/state/kubeconfig", "PATH=/cache/bin:$PATH",
		"get argusfleets,argusbots -n demo", "follow the log",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the guide lacks %q:\n%s", want, text)
		}
	}
}

func TestWaitForPortEndsWithItsContext(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := waitForPort(t.Context(), port); err != nil {
		t.Errorf("somebody listens on %d, yet: %v", port, err)
	}
	listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := waitForPort(ctx, port); err == nil {
		t.Error("nobody listens on " + strconv.Itoa(port) + ", yet it was reached")
	}
}

func TestUnknownFlagsAreRefused(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--twice"}, &stdout, &stderr); code != 2 || !strings.Contains(stderr.String(), "-twice") {
		t.Errorf("exit status %d, complaint %q", code, stderr.String())
	}
}
