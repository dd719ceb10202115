package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/argus-dev/argus-operator/fleetapi"
)

const (
	pathBotConfig = "/api/config"

	// shutdownTimeout is what a request in flight gets when the bot stops.
	shutdownTimeout = 500 * time.Millisecond
)

// newHandler serves metrics, health, and, with the dashboard on, what a
// dashboard's page asks first. Metrics have a token of their own; health is
// open; everything else, paths that do not exist too, takes the dashboard's token.
func newHandler(c config, registry *prometheus.Registry, logger *slog.Logger) http.Handler {
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
	})
	metricsGate := gate{"metrics", c.metricsToken, logger}
	dashboardGate := gate{"dashboard", c.dashboardToken, logger}
	pages := map[string]http.HandlerFunc{}
	if c.dashboard {
		pages["/"] = text(http.StatusOK, "argus-bot: a simulated bot; its metrics are at "+c.metricsPath+"\n")
		pages[pathBotConfig] = botConfig(c)
	}
	return hardened(func(w http.ResponseWriter, r *http.Request) {
		page, known := pages[r.URL.Path]
		switch {
		case r.URL.Path == fleetapi.PathHealthz:
			readOnly(text(http.StatusOK, "ok\n"))(w, r)
		case r.URL.Path == c.metricsPath && metricsGate.allows(r):
			readOnly(metrics.ServeHTTP)(w, r)
		case r.URL.Path == c.metricsPath || !dashboardGate.allows(r):
			w.Header().Set("WWW-Authenticate", "Bearer")
			text(http.StatusUnauthorized, "unauthorized\n")(w, r)
		case known:
			readOnly(page)(w, r)
		default:
			text(http.StatusNotFound, "not found\n")(w, r)
		}
	})
}

// hardened sets what every reply carries.
func hardened(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Server", "argus")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "+
			"frame-src 'self'; object-src 'none'; frame-ancestors 'none'")
		next(w, r)
	})
}

func readOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			text(http.StatusMethodNotAllowed, "method not allowed\n")(w, r)
			return
		}
		next(w, r)
	}
}

func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// botConfig tells a dashboard's page what it needs before it asks for more.
func botConfig(c config) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		token, err := c.dashboardToken()
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"namespace": c.fleet.MetricPrefix, "metrics_path": c.metricsPath, "grafana_url": nil,
			"analytics_enabled": false, "version": version, "auth_required": token != "" || err != nil,
		})
	}
}

// serve answers on the listener until the context ends, then gives requests in
// flight a moment.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, logger *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	if err != nil {
		err = server.Close()
	}
	if serveErr := <-failed; !errors.Is(serveErr, http.ErrServerClosed) {
		return serveErr
	}
	return err
}
