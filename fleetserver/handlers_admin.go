package fleetserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
	"github.com/argus-dev/argus-operator/fleetserver/store"
)

func identityQuery(r *http.Request) (string, error) {
	identity := r.URL.Query().Get("identity")
	if identity == "" {
		return "", errIdentityRequired
	}
	concerns(r, identity)
	return identity, nil
}

// retireRequest is DELETE /api/admin/cluster?identity=[&force=1][&purge=1].
type retireRequest struct {
	identity     string
	force, purge bool
}

func retireQuery(r *http.Request) (retireRequest, error) {
	identity, err := identityQuery(r)
	query := r.URL.Query()
	return retireRequest{identity, query.Get("force") == "1", query.Get("purge") == "1"}, err
}

// retire takes an identity out of the fleet; its numbers stay with it.
func (s *Server) retire(ctx context.Context, _ Caller, q retireRequest) (noContent, error) {
	change, err := s.registry.Retire(ctx, q.identity, q.force, q.purge)
	return s.administer(ctx, change, err)
}

// resetLease lets the next process that registers have the identity.
func (s *Server) resetLease(ctx context.Context, _ Caller, identity string) (noContent, error) {
	change, err := s.registry.ResetLease(ctx, identity)
	return s.administer(ctx, change, err)
}

func (s *Server) administer(ctx context.Context, change *registry.Change, err error) (noContent, error) {
	if err == nil {
		err = s.commit(ctx, change)
	}
	return noContent{}, err
}

// download is a file that goes away as it is sent: it has no name any more by
// then, so that not even a killed process leaves it behind.
type download struct{ path string }

func (d download) writeTo(w http.ResponseWriter, _ *http.Request) {
	file, err := os.Open(d.path)
	_ = os.Remove(d.path)
	if err != nil {
		writeText(w, http.StatusInternalServerError, "internal error\n")
		return
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil {
		w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="argus-fleet-state.db"`)
	for err == nil { // ends with io.EOF, or when the client has gone
		moreTime(w) // for the first span too: making the copy took its time
		_, err = io.CopyN(w, file, sendSpan)
	}
}

// backup sends a copy of the state file, made aside so that a slow client
// holds up nothing.
func (s *Server) backup(context.Context, Caller, none) (download, error) {
	if err := s.save(); err != nil && !errors.Is(err, store.ErrUnavailable) {
		return download{}, err
	}
	path, err := s.store.Snapshot()
	if err != nil {
		return download{}, fmt.Errorf("copying the state: %w", err)
	}
	return download{path}, nil
}

func exportQuery(r *http.Request) (none, error) {
	if format := r.URL.Query().Get("format"); format != "v1" {
		return none{}, errExportFormat
	}
	return none{}, nil
}

// export sends the state as argus-dpy's version-1 file.
func (s *Server) export(context.Context, Caller, none) (rendered, error) {
	body, err := store.EncodeV1(s.registry.State(), s.registry.Up)
	return rendered{body: body}, err
}
