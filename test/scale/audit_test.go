//go:build scale

package scale

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// auditEvent is a request that writes, as the API server has noted it.
type auditEvent struct {
	UserAgent                string
	Verb                     string
	RequestReceivedTimestamp time.Time
	ObjectRef                struct{ Resource, Subresource, Namespace, Name string }
}

// written lists what the operator has written since some time, and how often, by verb and resource.
func (s *stage) written(since time.Time) map[string]int {
	s.Helper()
	// The API server begins a new file when one has become too large.
	files, err := filepath.Glob(strings.TrimSuffix(s.kube.AuditLog, ".log") + "*.log")
	s.must(err)
	found := map[string]int{}
	for _, name := range files {
		s.must(countWrites(name, since, found))
	}
	return found
}

func countWrites(name string, since time.Time, found map[string]int) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !strings.Contains(lines.Text(), `"`+userAgent) {
			continue
		}
		var event auditEvent
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return err
		}
		if strings.HasPrefix(event.UserAgent, userAgent) && event.RequestReceivedTimestamp.After(since) {
			found[strings.TrimSuffix(event.Verb+" "+event.ObjectRef.Resource+"/"+event.ObjectRef.Subresource, "/")]++
		}
	}
	return lines.Err()
}
