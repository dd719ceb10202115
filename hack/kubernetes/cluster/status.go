package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// ErrNotFound says that there is no instance of the name.
var ErrNotFound = errors.New("no such instance")

// Status is what GetStatus saw of an instance.
type Status struct {
	Name       string
	Level      Level
	Dir        string
	Kubeconfig string
	Parts      []PartStatus
	// Node says how the node is, such as "argus-node is Ready"; empty without a node.
	Node string
}

// PartStatus is one component of an instance.
type PartStatus struct {
	Name string
	// PID of the process; 0 when it never started or was stopped.
	PID int
	// State is "running", "died" (it was started and is gone) or "stopped".
	State string
}

// Running reports whether every part runs.
func (s *Status) Running() bool {
	for _, p := range s.Parts {
		if p.State != "running" {
			return false
		}
	}
	return true
}

// GetStatus looks at an instance without changing it. The error is ErrNotFound
// when there is none.
func GetStatus(ctx context.Context, opts Options) (*Status, error) {
	opts, err := opts.complete()
	if err != nil {
		return nil, err
	}
	in, err := findInstance(opts)
	if err != nil {
		return nil, err
	}
	if in == nil {
		return nil, fmt.Errorf("instance %q: %w", opts.Name, ErrNotFound)
	}
	status := &Status{Name: in.Name, Level: in.Level, Dir: in.dir, Kubeconfig: in.path("kubeconfig", "admin")}
	for _, name := range partNames(in.Level) {
		status.Parts = append(status.Parts, in.partStatus(name))
	}
	if in.Level == Node {
		status.Node = in.nodeStatus(ctx)
	}
	return status, nil
}

func (in *instance) partStatus(name string) PartStatus {
	proc, ok := in.running(name)
	switch {
	case ok:
		return PartStatus{Name: name, PID: proc.pid, State: "running"}
	case proc.pid != 0:
		return PartStatus{Name: name, PID: proc.pid, State: "died"}
	default:
		return PartStatus{Name: name, State: "stopped"}
	}
}

// nodeStatus asks the API server how the node is.
func (in *instance) nodeStatus(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	report, err := in.nodeReport(ctx)
	if err != nil {
		return fmt.Sprintf("%s is unknown: %v", in.Node, err)
	}
	if err := report.readySince(time.Time{}); err != nil {
		return fmt.Sprintf("%s is not Ready: %v", in.Node, err)
	}
	return in.Node + " is Ready"
}

// Write prints the status for a person.
func (s *Status) Write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(table, "instance\t%s\nlevel\t%s\ndirectory\t%s\nkubeconfig\t%s\n", s.Name, s.Level, s.Dir, s.Kubeconfig)
	if s.Node != "" {
		fmt.Fprintf(table, "node\t%s\n", s.Node)
	}
	fmt.Fprintln(table, "\nPART\tPID\tSTATE")
	for _, p := range s.Parts {
		fmt.Fprintf(table, "%s\t%d\t%s\n", p.Name, p.PID, p.State)
	}
	return table.Flush()
}
