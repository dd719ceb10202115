package fleetserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/argus-dev/argus-operator/fleetapi"
	"github.com/argus-dev/argus-operator/fleetserver/registry"
	"github.com/argus-dev/argus-operator/fleetserver/source"
)

func (s *Server) registerBody(r *http.Request) (registry.Registration, error) {
	fields, err := s.bodyFields(r)
	if err != nil {
		return registry.Registration{}, err
	}
	q := registry.Registration{
		Identity: source.Text(fields["identity"]),
		Fleet:    source.Text(fields["fleet"]),
		Version:  source.Text(fields["version"]),
		Lease:    source.Text(fields["lease"]),
	}
	if q.Fleet == "" {
		q.Fleet = fleetapi.DefaultFleet
	}
	if raw, ok := fields["scrape_target"]; ok && string(raw) != "null" {
		target := source.Text(raw)
		q.ScrapeTarget = &target
	}
	concerns(r, q.Identity)
	return q, nil
}

func (s *Server) bodyFields(r *http.Request) (map[string]json.RawMessage, error) {
	room := s.bodies.take()
	defer s.bodies.give(room) // what is decoded is a copy
	body, err := readBody(r, &room.Buffer)
	if err != nil {
		return nil, err
	}
	return source.DecodeObject(body)
}

// register gives a process its number and its lease. Both are on the disk
// before the reply is.
func (s *Server) register(ctx context.Context, caller Caller, q registry.Registration) (fleetapi.RegisterResponse, error) {
	if q.Identity == "" {
		return fleetapi.RegisterResponse{}, errIdentityRequired
	}
	if holder, allowed := s.registry.SpendAsHolder(q.Identity, q.Lease); holder && !allowed {
		return fleetapi.RegisterResponse{}, registry.ErrRegisterRate
	} else if !holder && !s.registerLimit.allow(caller.Remote) {
		return fleetapi.RegisterResponse{}, errRegisterRate
	}
	s.checkScrapeTarget(caller, &q)
	q.Token = caller.Token
	change, err := s.registry.Register(ctx, q)
	if err == nil {
		err = s.commit(ctx, change)
	}
	if err != nil {
		return fleetapi.RegisterResponse{}, err
	}
	return fleetapi.RegisterResponse{
		Number:          change.Record.Number(),
		Lease:           change.Lease,
		IntervalSeconds: int(s.config.HeartbeatInterval.Seconds()),
		TTLSeconds:      int(s.config.TTL().Seconds()),
	}, nil
}

// checkScrapeTarget drops a target that Prometheus must not be sent to. The
// register goes on: a wrong target must not cost a bot its place.
func (s *Server) checkScrapeTarget(caller Caller, q *registry.Registration) {
	if q.ScrapeTarget == nil || *q.ScrapeTarget == "" || s.config.ScrapeAllow.allows(*q.ScrapeTarget) {
		return
	}
	s.metrics.scrapeTargetsRefused.Inc()
	s.logger.Warn("scrape target refused", "identity", loggable(q.Identity), "target", loggable(*q.ScrapeTarget), "remote", caller.Remote)
	q.ScrapeTarget = nil
}

// heartbeatRequest is a decoded heartbeat.
type heartbeatRequest struct {
	source.Heartbeat
	// oversized means that the body passed the cap and only its beginning was read.
	oversized bool
}

func (s *Server) heartbeatBody(r *http.Request) (heartbeatRequest, error) {
	room := s.bodies.take()
	defer s.bodies.give(room) // what is decoded is a copy
	body, err := readBody(r, &room.Buffer)
	if errors.Is(err, errTooLarge) {
		beat, ok := source.DecodeBeginning(body)
		if !ok {
			return heartbeatRequest{}, err
		}
		concerns(r, beat.Identity)
		return heartbeatRequest{beat, true}, nil
	}
	if err != nil {
		return heartbeatRequest{}, err
	}
	beat, err := room.decoder.Heartbeat(body, s.config.Namespace, s.registry.Admits)
	concerns(r, beat.Identity)
	return heartbeatRequest{Heartbeat: beat}, err
}

func (s *Server) heartbeat(_ context.Context, caller Caller, q heartbeatRequest) (noContent, error) {
	if q.Identity == "" {
		return noContent{}, errIdentityRequired
	}
	beat, err := s.registry.Heartbeat(q.Identity, q.Lease, registry.Sender{Remote: caller.Remote, Token: caller.Token})
	if err != nil {
		return noContent{}, err
	}
	defer s.changes.Add(1) // once the values are in
	s.metrics.heartbeats.Inc()
	if beat.CameUp {
		s.events.add(fleetapi.EventUp, q.Identity, beat.Fleet, beat.Number)
		s.logger.Info("cluster is up again", "identity", loggable(q.Identity))
	}
	if beat.Conflict {
		s.conflict(q.Identity, beat, caller)
	}
	if beat.Confirm != nil {
		s.submit(beat.Confirm, func(error) {}) // a failed one is tried again with the next beat
	}
	if q.oversized {
		s.push.Oversized(q.Identity, beat.Generation)
		return noContent{}, errTooLarge
	}
	if q.Reading != nil {
		s.push.Observe(q.Identity, beat.Generation, q.Reading)
	}
	return noContent{}, nil
}

func (s *Server) conflict(identity string, beat registry.Beat, caller Caller) {
	s.events.add(fleetapi.EventConflict, identity, beat.Fleet, beat.Number)
	s.metrics.conflicts.Inc()
	s.logger.Warn("two processes share an identity; is a CLUSTER_ID or fleet_id used twice?",
		"identity", loggable(identity), "remote", caller.Remote)
}

func (s *Server) leaveBody(r *http.Request) (fleetapi.LeaveRequest, error) {
	fields, err := s.bodyFields(r)
	if err != nil {
		return fleetapi.LeaveRequest{}, err
	}
	q := fleetapi.LeaveRequest{Identity: source.Text(fields["identity"]), Lease: source.Text(fields["lease"])}
	concerns(r, q.Identity)
	return q, nil
}

func (s *Server) leave(ctx context.Context, _ Caller, q fleetapi.LeaveRequest) (noContent, error) {
	if q.Identity == "" {
		return noContent{}, errIdentityRequired
	}
	if holder, allowed := s.registry.SpendAsHolder(q.Identity, q.Lease); holder && !allowed {
		return noContent{}, registry.ErrHeartbeatRate
	}
	change, err := s.registry.Leave(ctx, q.Identity, q.Lease)
	if err == nil {
		err = s.commit(ctx, change)
	}
	return noContent{}, err
}
