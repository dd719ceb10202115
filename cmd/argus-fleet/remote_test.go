package main

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// TestAControlPlaneWithACertificateOfItsOwnIsReached asks one by its address, as
// `kubectl exec` does, whose certificate is for 127.0.0.1 and for example.com.
func TestAControlPlaneWithACertificateOfItsOwnIsReached(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer admin-secret" {
			_, _ = io.WriteString(w, "the state")
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	directory := t.TempDir()
	write := func(name, content string) string {
		t.Helper()
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token := write("token", "admin-secret")
	ca := write("ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	for name, tc := range map[string]struct {
		args   string
		stdout string
		stderr string
	}{
		"its authority is named":             {"--ca-file=" + ca, "the state", ""},
		"and the name in its certificate":    {"--ca-file=" + ca + " --server-name=example.com", "the state", ""},
		"the system knows no such authority": {"", "", "certificate signed by unknown authority"},
		"the name is another":                {"--ca-file=" + ca + " --server-name=example.org", "", "not example.org"},
		"the file holds no certificate":      {"--ca-file=" + token, "", `--ca-file="` + token + `": must be a file with PEM certificates`},
		"there is no such file":              {"--ca-file=/no/such", "", "reading the file of --ca-file: open /no/such"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"export", "--url", server.URL, "--admin-token-file", token}, strings.Fields(tc.args)...)
			status, stdout, stderr := command(t, nil, args...)
			if (status == 0) != (tc.stderr == "") || stdout != tc.stdout || !strings.Contains(stderr, tc.stderr) {
				t.Errorf("status %d, %q and %q", status, stdout, stderr)
			}
			if strings.HasPrefix(tc.stderr, "--ca-file") || strings.HasPrefix(tc.stderr, "reading") {
				status, _, stderr := command(t, nil, append([]string{"doctor", "--url", server.URL}, strings.Fields(tc.args)...)...)
				if status != 1 || !strings.Contains(stderr, tc.stderr) {
					t.Errorf("the doctor: status %d, %q", status, stderr)
				}
			}
		})
	}
}

// TestHealthcheckFollowsTheScheme asks a server whose certificate nobody has to trust:
// it is this machine's.
func TestHealthcheckFollowsTheScheme(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != fleetapi.PathHealthz {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "https://"), ":")
	env := []string{fleetapi.EnvFleetPort + "=" + port, fleetapi.EnvFleetTLSCertFile + "=/no/such.crt", fleetapi.EnvFleetTLSKeyFile + "=/no/such.key"}
	if status, _, stderr := command(t, env, "healthcheck"); status != 0 {
		t.Errorf("status %d: %s", status, stderr)
	}
}
