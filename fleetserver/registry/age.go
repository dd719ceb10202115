package registry

import "time"

// Sign is a sign of life: of a cluster, or of the control plane itself.
type Sign struct {
	// At is when it was, by the wall clock: what people are told.
	At time.Time
	// On is when it was, in time during which a control plane ran on the state.
	// That time goes on from process to process. It is nil where nobody kept it:
	// in older files, and in those of argus-dpy.
	On *time.Duration
}

// onTime counts the time in which a control plane runs on a state. Ages are
// differences of it, so that neither an outage nor a step of the wall clock
// makes anybody older, however often the control plane is started.
type onTime struct {
	since  time.Time
	before time.Duration
}

// at is the reading at a moment of this process, in the store's microseconds.
func (o onTime) at(moment time.Time) time.Duration {
	return (o.before + moment.Sub(o.since)).Truncate(time.Microsecond)
}

// onTime is the latest reading that a state knows of. A crash costs what has
// passed since: at the most the time between two savings.
func (s State) onTime() time.Duration {
	var latest time.Duration
	if s.LastRun.On != nil {
		latest = *s.LastRun.On
	}
	for _, sign := range s.LastSeen {
		if sign.On != nil {
			latest = max(latest, *sign.On)
		}
	}
	return latest
}

// age is how long a cluster had been silent when the control plane is last
// known to have run. Signs of life after that are younger than that.
func (s State) age(last Sign) time.Duration {
	if last.On != nil && s.LastRun.On != nil {
		return max(*s.LastRun.On-*last.On, 0)
	}
	return max(s.LastRun.At.Sub(last.At), 0)
}

func (e *entry) sign() Sign { return Sign{At: wall(e.lastSeen), On: new(e.heard)} }

// running is the control plane's own sign of life.
func (r *Registry) running() Sign {
	now := r.options.Now()
	return Sign{At: wall(now), On: new(r.on.at(now))}
}
