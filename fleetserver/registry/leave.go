package registry

import "context"

// Leave drafts the departure of a member. It always needs the current lease:
// without it the answer is ErrLeased. ErrUnknown means that it is not in the fleet.
func (r *Registry) Leave(ctx context.Context, identity, lease string) (*Change, error) {
	presented := Digest(r.options.Pepper, lease)
	return r.draft(ctx, identity, func(e *entry) (*Change, error) {
		if e == nil || e.Left {
			return nil, ErrUnknown
		}
		if !e.current(e.holding(presented)) {
			return nil, ErrLeased
		}
		record := e.clone()
		record.Left, record.Confirmed, record.Pending, record.Claim = true, "", "", ""
		return &Change{Kind: Left, Record: record}, nil
	})
}

// Retire drafts the removal of an identity from views, roll-ups and the cap.
// Its numbers stay with it. A cluster that is up is refused with ErrAlive
// unless forced. With purge the record is forgotten altogether.
func (r *Registry) Retire(ctx context.Context, identity string, force, purge bool) (*Change, error) {
	return r.draft(ctx, identity, func(e *entry) (*Change, error) {
		record, known := r.former(identity)
		if !known || (e == nil && !purge) {
			return nil, ErrUnknown
		}
		now := r.options.Now()
		if !force && e != nil && r.up(e, now) {
			return nil, ErrAlive
		}
		if purge {
			return &Change{Kind: Purged, Record: record}, nil
		}
		return &Change{Kind: Retired, Record: record.retire(wall(now))}, nil
	})
}

// ResetLease drafts that the next process to register may have the identity.
func (r *Registry) ResetLease(ctx context.Context, identity string) (*Change, error) {
	return r.draft(ctx, identity, func(e *entry) (*Change, error) {
		if e == nil {
			return nil, ErrUnknown
		}
		record := e.clone()
		record.Confirmed, record.Pending, record.Claim = "", "", ""
		return &Change{Kind: LeaseReset, Record: record}, nil
	})
}
