package measure

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Machine is the processor time of this machine since it started, over all of its processors.
type Machine struct {
	// Busy is what its programs and its kernel have used, and Stolen what they would have
	// used, had the host not given it to somebody else.
	Busy, Stolen time.Duration
}

// ReadMachine reads it from /proc/stat (proc_stat(5)).
func ReadMachine() (Machine, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Machine{}, err
	}
	return parseMachine(string(text))
}

func parseMachine(text string) (Machine, error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	const user, nice, system, irq, softirq, steal = 1, 2, 3, 6, 7, 8
	if len(fields) <= steal || fields[0] != "cpu" {
		return Machine{}, fmt.Errorf("unexpected first line of /proc/stat: %q", line)
	}
	times := make([]time.Duration, len(fields))
	for i, field := range fields[1:] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return Machine{}, fmt.Errorf("first line of /proc/stat: %w", err)
		}
		times[i+1] = time.Duration(ticks) * perTick
	}
	return Machine{
		Busy:   times[user] + times[nice] + times[system] + times[irq] + times[softirq],
		Stolen: times[steal],
	}, nil
}

// Since is what has been used since before.
func (m Machine) Since(before Machine) Machine {
	return Machine{Busy: m.Busy - before.Busy, Stolen: m.Stolen - before.Stolen}
}
