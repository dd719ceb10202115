//go:build apiserver

package apiserver

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/controllers"
	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver"
)

// realPlane is a control plane in this process. The test plays its kubelet: it brings
// the Secret with the tokens to it as files.
type realPlane struct {
	*world
	url       string
	directory string
	secret    string

	mu     sync.Mutex
	frozen bool
	shown  map[string][]byte
}

// keyFiles are the variables that name the files with the tokens, by key of the Secret.
var keyFiles = map[string]string{
	"ingest-token": fleetapi.EnvFleetIngestToken, "viewer-token": fleetapi.EnvFleetViewerToken,
	"admin-token": fleetapi.EnvFleetAdminToken, "secret-pepper": fleetapi.EnvFleetSecretPepper,
}

// newRealPlane runs a control plane on the tokens of a Secret, which exists, and has
// the operator read it where it expects that of this namespace.
func newRealPlane(w *world, secret string) *realPlane {
	w.Helper()
	p := &realPlane{world: w, secret: secret, directory: w.TempDir()}
	p.eventually(func() string { return w.exists(secret, &corev1.Secret{}) })
	p.bring()
	listening := make(chan string, 1)
	server, err := fleetserver.New(w.ctx, p.config(), fleetserver.Deps{
		Logger: slog.New(slog.DiscardHandler),
		Listen: func(ctx context.Context, network, address string) (net.Listener, error) {
			listener, err := (&net.ListenConfig{}).Listen(ctx, network, address)
			if err == nil {
				listening <- "http://" + listener.Addr().String()
			}
			return listener, err
		},
	})
	if err != nil {
		w.Fatal(err)
	}
	p.background(server.Run)
	p.url = <-listening
	p.background(p.play)
	p.read()
	return p
}

func (p *realPlane) config() fleetserver.Config {
	p.Helper()
	values := map[string]string{
		fleetapi.EnvFleetHost: "127.0.0.1", fleetapi.EnvFleetPort: "0",
		fleetapi.EnvFleetState:             filepath.Join(p.TempDir(), "state.db"),
		fleetapi.EnvFleetHeartbeatInterval: "1", fleetapi.EnvFleetTTLFactor: strconv.Itoa(rotationTTL),
		fleetapi.EnvFleetHeartbeatBurst: "100000", fleetapi.EnvFleetReadBurst: "100000",
	}
	for key, name := range keyFiles {
		values[name+fleetapi.FileSuffix] = filepath.Join(p.directory, key)
	}
	lookup := func(name string) (string, bool) { value, ok := values[name]; return value, ok }
	config, err := fleetserver.ConfigFromEnv(lookup, os.ReadFile)
	if err != nil {
		p.Fatal(err)
	}
	config.Version = "v1"
	return config
}

// background runs something until the test ends, and waits for it.
func (p *realPlane) background(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	p.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			p.Error(err)
		}
	})
}

// read has the operator ask this control plane, by way of its own poller.
func (p *realPlane) read() {
	p.Helper()
	metrics, err := controllers.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		p.Fatal(err)
	}
	poller := controllers.NewFleetPoller(admin, metrics, time.Now, false)
	p.background(poller.Start)
	fleets := operator.fleets
	fleets.mu.Lock()
	defer fleets.mu.Unlock()
	fleets.real[p.namespace] = at{p.url, poller}
}

// at reads control planes at one address, wherever they are said to be.
type at struct {
	url string
	controllers.Fleets
}

// Answer implements controllers.Fleets.
func (a at) Answer(source controllers.FleetSource, interval time.Duration, asker controllers.Asker) controllers.FleetAnswer {
	source.URL = a.url
	return a.Fleets.Answer(source, interval, asker)
}

// play is the kubelet, which looks every few milliseconds.
func (p *realPlane) play(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(tick):
			p.bring()
		}
	}
}

// bring writes the Secret's present content into the mounted files, unless frozen.
func (p *realPlane) bring() {
	var secret corev1.Secret
	if err := admin.Get(context.Background(), client.ObjectKey{Namespace: p.namespace, Name: p.secret}, &secret); err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen || maps.EqualFunc(secret.Data, p.shown, func(a, b []byte) bool { return string(a) == string(b) }) {
		return
	}
	for key, value := range secret.Data {
		file := filepath.Join(p.directory, key)
		if err := os.WriteFile(file+".new", value, 0o600); err != nil {
			p.Error(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			p.Error(err)
		}
	}
	p.shown = secret.Data
}

// freeze keeps the kubelet from bringing anything, or no longer.
func (p *realPlane) freeze(frozen bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = frozen
}
