package registry

import "time"

// Restore fills an empty registry from the store. Time in which no control
// plane ran counts for nobody: a member that was alive when the last one
// stopped has one full TTL to be heard.
func (r *Registry) Restore(state State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	r.on = onTime{since: now, before: state.onTime()}
	for fleet, highest := range state.Counters {
		r.counters[fleet] = highest
	}
	var retired []Record
	for _, record := range state.Records {
		for fleet, number := range record.Numbers {
			r.counters[fleet] = max(r.counters[fleet], number)
		}
		if record.Retired {
			retired = append(retired, record)
			continue
		}
		r.restore(record, state, now)
	}
	r.retired.restore(retired)
}

func (r *Registry) restore(record Record, state State, now time.Time) {
	record.Fleet, record.Version = common(record.Fleet), common(record.Version)
	e := r.newEntry(record)
	last := state.LastSeen[record.Identity]
	if last.At.IsZero() {
		last.At = record.RegisteredAt
	}
	age := state.age(last)
	e.lastSeen, e.heard = last.At, r.on.before-age
	if last.On != nil {
		e.heard = *last.On
	}
	e.unsaved = last.On == nil // the next start must not count the time until now
	if age <= r.options.TTL {
		age = 0
	}
	e.seen = now.Add(-age)
	e.wasUp = r.up(e, now)
	r.entries[record.Identity] = e
	r.list(e, 1)
}
