package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// maxDir bounds the length of an instance's directory: a Unix socket's path has
// at most 107 bytes, and the kubelet puts its own some 40 below.
const maxDir = 64

// record is what an instance remembers between calls: the choices that its
// certificates and its clients depend on, and the host's settings before it came.
type record struct {
	Name  string `json:"name"`
	Level Level  `json:"level"`
	// Binaries is the directory of the binaries that the last Up used.
	Binaries string `json:"binaries"`
	// Node is the name of the instance's node object.
	Node string `json:"node,omitempty"`
	// Ports by the name of what listens there.
	Ports map[string]int `json:"ports"`
	// Network is what pods and Services use; without a node only ServiceCIDR is set.
	Network network `json:"network"`
	// Sysctls are the host's values, by dotted name, from before the instance.
	Sysctls map[string]string `json:"sysctls,omitempty"`
}

// instance is an open instance: its record, and where its things are.
type instance struct {
	record
	dir   string
	pause string // archive of the sandbox image; empty when opened only to look or to end
	opts  Options
	host  host
}

// path joins elements below the instance's directory.
func (in *instance) path(elem ...string) string {
	return filepath.Join(append([]string{in.dir}, elem...)...)
}

func (in *instance) logf(format string, args ...any) {
	logf(in.opts.Log, format, args...)
}

// logf writes one line of progress. A progress line that cannot be written is no
// reason to stop.
func logf(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}

// stateRoot is the directory that holds a directory for each instance.
func stateRoot() (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("finding a place for state: %w; set XDG_STATE_HOME", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "argus-operator", "kubernetes"), nil
}

// instanceDir is the directory of the named instance.
func instanceDir(name string) (string, error) {
	root, err := stateRoot()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, name)
	if len(dir) > maxDir {
		return "", fmt.Errorf("the directory %s is too long for Unix sockets below it; set XDG_STATE_HOME to a shorter one", dir)
	}
	return dir, nil
}

// findInstance opens an existing instance to look at it or to end it. It returns
// nil when there is none. A record that cannot be read is replaced by an empty
// one: what is left of the instance should still go.
func findInstance(opts Options) (*instance, error) {
	dir, err := instanceDir(opts.Name)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	in := &instance{dir: dir, opts: opts}
	if err := in.load(); err != nil {
		in.logf("the instance's record is unusable (%v); cleaning up without it", err)
		in.record = record{Name: opts.Name, Level: opts.Level}
	}
	return in, nil
}

// openInstance finds or creates the instance that the options ask for, with all
// that it needs from the host.
func openInstance(ctx context.Context, opts Options) (*instance, error) {
	dir, err := instanceDir(opts.Name)
	if err != nil {
		return nil, err
	}
	in := &instance{dir: dir, opts: opts}
	if opts.Level == Node {
		if err := ensureNodeTools(ctx, opts); err != nil {
			return nil, err
		}
		if in.host, err = inspectHost(ctx, dir); err != nil {
			return nil, err
		}
	}
	found, err := ensureAssets(ctx, opts, append(partNames(ControlPlane), "kubectl")...)
	if err != nil {
		return nil, err
	}
	in.pause = found.pause
	if err := in.loadOrCreate(); err != nil {
		return nil, err
	}
	in.Binaries = found.dir
	return in, in.save()
}

// loadOrCreate reads the instance's record and checks that it still holds, or
// makes a new one.
func (in *instance) loadOrCreate() error {
	err := in.load()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return in.create()
	case err != nil:
		return fmt.Errorf("instance %q: %w; take it down and up again", in.opts.Name, err)
	case in.Level != in.opts.Level:
		return fmt.Errorf("instance %q already exists at level %s; take it down first, or choose another name", in.Name, in.Level)
	}
	return in.adopt()
}

// create chooses ports and networks for a new instance.
func (in *instance) create() error {
	in.record = record{Name: in.opts.Name, Level: in.opts.Level, Network: network{ServiceCIDR: firstServiceCIDR}}
	if in.Level == Node {
		if err := in.host.admitNode(in.Name); err != nil {
			return err
		}
		chosen, err := chooseNetwork(in.host)
		if err != nil {
			return err
		}
		in.Network, in.Node, in.Sysctls = chosen, in.Name+"-node", readSysctls(changedSysctls())
	}
	ports, err := choosePorts(portNames(in.Level), portIsFree)
	if err != nil {
		return err
	}
	in.Ports = ports
	return nil
}

// adopt checks that an existing instance's choices still hold on this host. Ports
// are chosen anew where need be, as long as nothing of the instance runs.
func (in *instance) adopt() error {
	if in.Level == Node {
		if err := in.host.admitNode(in.Name); err != nil {
			return err
		}
		if err := in.host.checkNetwork(in.Network); err != nil {
			return err
		}
	}
	if in.anyRunning() {
		return nil
	}
	return replacePorts(in.Ports, portIsFree)
}

func (in *instance) load() error {
	data, err := os.ReadFile(in.path("instance.json"))
	if err != nil {
		return fmt.Errorf("reading the instance's record: %w", err)
	}
	if err := json.Unmarshal(data, &in.record); err != nil {
		return fmt.Errorf("reading the instance's record: %w", err)
	}
	return nil
}

func (in *instance) save() error {
	data, err := json.MarshalIndent(in.record, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the instance's record: %w", err)
	}
	if err := os.MkdirAll(in.dir, 0o755); err != nil {
		return fmt.Errorf("creating the instance's directory: %w", err)
	}
	if err := writeFile(in.path("instance.json"), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the instance's record: %w", err)
	}
	return nil
}

// cluster is the instance as its users see it.
func (in *instance) cluster() *Cluster {
	return &Cluster{
		Name:        in.Name,
		Level:       in.Level,
		Dir:         in.dir,
		BinDir:      in.Binaries,
		Kubeconfig:  in.path("kubeconfig", "admin"),
		Kubectl:     in.binary("kubectl"),
		AuditLog:    in.path("audit.log"),
		NodeAddress: in.Network.Gateway,

		containerdSocket: in.containerdSocket(),
		log:              in.opts.Log,
	}
}

// writeFile writes a file by rename, so that a reader or a crash never meets half of it.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, data, mode); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// poll calls attempt at the interval until it succeeds or the context ends, and
// then returns the context's cause and the attempt's last error.
func poll(ctx context.Context, interval time.Duration, attempt func(context.Context) error) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		err := attempt(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-ticker.C:
		}
	}
}
