//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// process is what the node's /proc tells of one. The images have no shell, so
// nothing can be asked from inside.
type process struct {
	name, environment, commandLine, cgroups string
	status                                  map[string]string
	readOnlyRoot                            bool
}

func allProcesses(t *testing.T) []process {
	t.Helper()
	directories, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []process
	for _, directory := range directories {
		// A process may end while it is read; what is left of it is then empty.
		read := func(file string) string {
			content, _ := os.ReadFile(filepath.Join(directory, file))
			return string(content)
		}
		found = append(found, process{
			name:         filepath.Base(directory) + " " + strings.TrimSpace(read("comm")),
			environment:  read("environ"),
			commandLine:  strings.ReplaceAll(read("cmdline"), "\x00", " "),
			cgroups:      read("cgroup"),
			status:       fieldsOf(read("status")),
			readOnlyRoot: readOnlyRoot(read("mountinfo")),
		})
	}
	return found
}

// processesOf lists the processes of a pod's containers, told by their cgroup.
func processesOf(t *testing.T, pod corev1.Pod) []process {
	t.Helper()
	var found []process
	for _, process := range allProcesses(t) {
		inPod := strings.Contains(process.cgroups, "pod"+string(pod.UID))
		if inPod && !strings.HasPrefix(process.commandLine, "/pause") {
			found = append(found, process)
		}
	}
	return found
}

func fieldsOf(status string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(status) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = strings.TrimSpace(value)
		}
	}
	return fields
}

// readOnlyRoot looks for the mount on / and its per-mount options, the sixth field.
func readOnlyRoot(mountinfo string) bool {
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		if len(fields) > 5 && fields[4] == "/" {
			return strings.HasPrefix(fields[5], "ro,") || fields[5] == "ro"
		}
	}
	return false
}
