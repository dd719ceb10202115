package cluster

import (
	"testing"
	"time"
)

func TestNodeReport(t *testing.T) {
	restarted := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tc := range map[string]struct {
		printed string
		since   time.Time
		want    string
	}{
		"a node that is ready": {
			printed: `{"status":"True","lastHeartbeatTime":"2026-01-01T00:00:00Z"}`,
		},
		"a node whose kubelet came back in this very second": {
			printed: `{"status":"True","lastHeartbeatTime":"2026-01-02T03:04:05Z"}`,
			since:   restarted,
		},
		"a report from before the kubelet was killed": {
			printed: `{"status":"True","lastHeartbeatTime":"2026-01-02T03:04:04Z"}`,
			since:   restarted,
			want:    "has not reported yet",
		},
		"a kubelet that waits for its runtime": {
			printed: `{"status":"False","message":"container runtime is down","lastHeartbeatTime":"2026-01-02T03:04:06Z"}`,
			since:   restarted,
			want:    "container runtime is down",
		},
		"a node without conditions": {
			want: "has not reported yet",
		},
		"something else": {
			printed: "hello",
			want:    "reading the node's condition",
		},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := parseNodeReport([]byte(tc.printed))
			if err == nil {
				err = report.readySince(tc.since)
			}
			checkError(t, err, tc.want)
		})
	}
}
