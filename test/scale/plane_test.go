//go:build scale

package scale

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver"
)

// plane is a control plane in this process, for the one whose pod is simulated.
type plane struct{ url, token string }

// keyFiles are the variables that name the files with the tokens, by key of the Secret.
var keyFiles = map[string]string{
	"ingest-token": fleetapi.EnvFleetIngestToken, "viewer-token": fleetapi.EnvFleetViewerToken,
	"admin-token": fleetapi.EnvFleetAdminToken, "secret-pepper": fleetapi.EnvFleetSecretPepper,
}

// newPlane runs a control plane on an address of its own.
func (s *stage) newPlane() plane {
	s.Helper()
	directory, port := s.TempDir(), make(chan net.Listener, 1)
	values := map[string]string{
		fleetapi.EnvFleetHost: "127.0.0.1", fleetapi.EnvFleetPort: "0", fleetapi.EnvFleetState: filepath.Join(directory, "state.db"),
		fleetapi.EnvFleetMaxClusters: "10000", fleetapi.EnvFleetRegisterBurst: "1000000",
		fleetapi.EnvFleetHeartbeatBurst: "1000000", fleetapi.EnvFleetReadBurst: "1000000",
	}
	for key, name := range keyFiles {
		file := filepath.Join(directory, key)
		s.must(os.WriteFile(file, tokens()[key], 0o600))
		values[name+fleetapi.FileSuffix] = file
	}
	config, err := fleetserver.ConfigFromEnv(func(name string) (string, bool) { value, ok := values[name]; return value, ok }, os.ReadFile)
	s.must(err)
	config.Version = "v1"
	server, err := fleetserver.New(s.ctx, config, fleetserver.Deps{
		Logger: slog.New(slog.DiscardHandler),
		Listen: func(ctx context.Context, network, address string) (net.Listener, error) {
			listener, err := (&net.ListenConfig{}).Listen(ctx, network, address)
			if err == nil {
				port <- listener
			}
			return listener, err
		},
	})
	s.must(err)
	s.background(server.Run)
	return plane{url: "http://" + (<-port).Addr().String(), token: string(tokens()["ingest-token"])}
}

// tokens are the control plane's, brought along so that it can run before the operator does.
func tokens() map[string][]byte {
	values := map[string][]byte{}
	for key := range keyFiles {
		values[key] = []byte(strings.Repeat(key+".", 4))
	}
	return values
}

// tokenSecret is where the ArgusFleet finds them.
func tokenSecret() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "tokens"}, Data: tokens()}
}

// background runs something until the test ends, and waits for it.
func (s *stage) background(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	s.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && ctx.Err() == nil {
			s.Error(err)
		}
	})
}
