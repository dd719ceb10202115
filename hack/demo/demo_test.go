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
)

func TestHostsThatCannotRunTheDemo(t *testing.T) {
	cases := map[string]struct {
		host host
		want string // in the complaint; empty: none
	}{
		"root on Linux may":             {host{"linux", true}, ""},
		"another user is told to sudo":  {host{"linux", false}, "sudo make demo"},
		"another system is told to use": {host{"darwin", true}, "Linux virtual machine"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := checkHost(tc.host)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want a complaint with %q", err, tc.want)
			}
		})
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
	text := guide("/state/kubeconfig", "/cache/bin", 9191)
	for _, want := range []string{
		"http://127.0.0.1:9191", "KUBECONFIG=/state/kubeconfig", "PATH=/cache/bin:$PATH",
		"get secret main-fleet-viewer -n demo", "get argusfleets,argusbots -n demo",
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
