package member

import "log/slog"

// subject is something that can be well or fail on its own.
type subject string

const (
	subjectSnapshot subject = "snapshot"
	subjectSize     subject = "snapshot size"
	subjectStateDir subject = "state directory"
)

// changes logs when something begins to fail, fails differently, or is well
// again, and is silent in between: a control plane that is away for a day costs
// two lines.
type changes struct {
	logger  *slog.Logger
	failing map[subject]bool
	class   ErrorClass
}

// note takes the latest result of a subject other than a call.
func (c *changes) note(about subject, err error) {
	was := c.failing[about]
	if was == (err != nil) {
		return
	}
	if c.failing == nil {
		c.failing = map[subject]bool{}
	}
	c.failing[about] = err != nil
	if err == nil {
		c.logger.Info("works again", "subject", string(about))
		return
	}
	switch about {
	case subjectSnapshot:
		c.logger.Warn("no complete snapshot from the host; beating with what there is", "error", err)
	case subjectSize:
		c.logger.Warn("the control plane refuses the snapshot as too large; beating without values", "error", err)
	case subjectStateDir:
		c.logger.Warn("state cannot be kept; a restart may get a new identity or wait for its lease to end", "error", err)
	}
}

// noteCall takes the latest result of a call to the control plane.
func (c *changes) noteCall(class ErrorClass, err error) {
	if class == c.class {
		return
	}
	c.class = class
	switch class {
	case ErrorNone:
		c.logger.Info("the fleet control plane accepts calls again")
	case ErrorUnknown:
		c.logger.Warn("the fleet control plane does not know this member; registering again", "class", string(class), "error", err)
	case ErrorConflict:
		c.logger.Warn("another process holds this identity; trying again until its lease ends", "class", string(class), "error", err)
	default:
		c.logger.Warn("calling the fleet control plane failed; trying again", "class", string(class), "error", err)
	}
}
