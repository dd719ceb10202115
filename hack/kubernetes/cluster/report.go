package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// nodeReport is the Ready condition of a node, as its kubelet last wrote it.
type nodeReport struct {
	Status            string    `json:"status"`
	Message           string    `json:"message"`
	LastHeartbeatTime time.Time `json:"lastHeartbeatTime"`
}

// nodeReport asks the API server for the node's Ready condition.
func (in *instance) nodeReport(ctx context.Context) (nodeReport, error) {
	const ready = `jsonpath={.status.conditions[?(@.type=="Ready")]}`
	printed, err := in.kubectlCommand(ctx, "--request-timeout=5s", "get", "node", in.Node, "--output", ready).CombinedOutput()
	if err != nil {
		return nodeReport{}, errors.New(strings.TrimSpace(string(printed)))
	}
	return parseNodeReport(printed)
}

// parseNodeReport reads what kubectl prints; nothing is printed of a node whose
// kubelet has yet to report.
func parseNodeReport(printed []byte) (nodeReport, error) {
	var report nodeReport
	if len(printed) == 0 {
		return report, errors.New("its kubelet has not reported yet")
	}
	if err := json.Unmarshal(printed, &report); err != nil {
		return report, fmt.Errorf("reading the node's condition: %w", err)
	}
	return report, nil
}

// readySince returns nil if the node was ready at or after the time, else why not.
func (r nodeReport) readySince(since time.Time) error {
	if r.LastHeartbeatTime.Before(since) {
		return errors.New("its kubelet has not reported yet")
	}
	if r.Status != "True" {
		return errors.New(r.Message)
	}
	return nil
}
