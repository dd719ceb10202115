package measure

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// perTick is the unit of processor time in /proc: USER_HZ is 100 wherever Linux runs Go.
const perTick = time.Second / 100

// Process is one that runs, by its id.
type Process int

// CPU is the processor time that the process has used, in user mode and in the
// kernel, as getrusage would tell the process itself.
func (p Process) CPU() (time.Duration, error) {
	fields, err := p.proc("stat")
	if err != nil {
		return 0, err
	}
	_, behindName, _ := strings.Cut(fields, ") ")
	columns := strings.Fields(behindName)
	const user, system = 11, 12 // of proc_pid_stat(5), counted behind the name
	if len(columns) <= system {
		return 0, fmt.Errorf("unexpected stat %q", fields)
	}
	var ticks int64
	for _, column := range []int{user, system} {
		n, err := strconv.ParseInt(columns[column], 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * perTick, nil
}

// Resident is the process's memory in bytes.
func (p Process) Resident() (float64, error) { return p.memory("VmRSS") }

// Highest is the most bytes of memory that the process ever had.
func (p Process) Highest() (float64, error) { return p.memory("VmHWM") }

func (p Process) memory(key string) (float64, error) {
	text, err := p.proc("status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, key+":")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("no %s in the process's status", key)
	}
	kib, err := strconv.ParseFloat(fields[0], 64)
	return kib * 1024, err
}

func (p Process) proc(name string) (string, error) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(int(p)) + "/" + name)
	return string(raw), err
}
