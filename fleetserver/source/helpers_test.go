package source

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// line is one sample of a test snapshot: its name without the prefix, its
// labels and value as JSON.
type line struct{ name, labels, value string }

func snapshotJSON(prefix string, lines ...line) string {
	samples := make([]string, 0, len(lines))
	for _, l := range lines {
		samples = append(samples, fmt.Sprintf(`{"name": %q, "labels": {%s}, "value": %s}`, prefix+"_"+l.name, l.labels, l.value))
	}
	return `{"metrics": {"any": {"type": "gauge", "samples": [` + strings.Join(samples, ", ") + `]}}}`
}

func beatJSON(snapshot string) []byte {
	return []byte(`{"identity": "a", "lease": "l", "snapshot": ` + snapshot + `}`)
}

func read(t *testing.T, lines ...line) *Reading {
	t.Helper()
	beat, err := DecodeHeartbeat(beatJSON(snapshotJSON("discord", lines...)), "discord")
	if err != nil || beat.Reading == nil {
		t.Fatalf("decoding: %v", err)
	}
	return beat.Reading
}

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// pusher pushes snapshots of one identity, a number of seconds apart.
type pusher struct {
	t *testing.T
	c *clock
	p *Push
}

func newPusher(t *testing.T) pusher {
	t.Helper()
	c := &clock{time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	p := NewPush(c.now)
	p.Begin("a", 1)
	return pusher{t, c, p}
}

func (p pusher) push(after int, lines ...line) Values {
	p.t.Helper()
	p.c.at = p.c.at.Add(time.Duration(after) * time.Second)
	p.p.Observe("a", 1, read(p.t, lines...))
	return p.p.Values("a")
}

// buckets are the lines of one duration histogram; counts by bound.
func buckets(counts ...any) []line {
	var lines []line
	for i := 0; i+1 < len(counts); i += 2 {
		lines = append(lines, line{"app_command_duration_seconds_bucket", fmt.Sprintf(`"le": %q`, counts[i]), fmt.Sprint(counts[i+1])})
	}
	return lines
}
