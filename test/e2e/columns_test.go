//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// columns are what kubectl prints of one bot, by heading.
type columns map[string]string

// kubectlTable asks the API server as kubectl does, without a process for each look.
func kubectlTable(ctx context.Context, caller *http.Client, namespace, name string) (columns, error) {
	url := restConfig.Host + "/apis/argus.dev/v1alpha1/namespaces/" + namespace + "/argusbots/" + name
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	response, err := caller.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking for the table: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the table: %w", err)
	}
	var table metav1.Table
	if err := json.Unmarshal(body, &table); err != nil || len(table.Rows) != 1 {
		return nil, fmt.Errorf("the table has %d rows: %w: %.300s", len(table.Rows), err, body)
	}
	found := columns{}
	for i, definition := range table.ColumnDefinitions {
		if cell := table.Rows[0].Cells[i]; cell != nil {
			found[definition.Name] = fmt.Sprint(cell)
		}
	}
	return found, nil
}

// truth is what really is, as the Deployments, the node and the control plane tell.
type truth struct {
	at                        time.Time
	available, running, beats int
	programs                  map[string]bool // what the clusters are to run
}

// tableWatch compares what kubectl prints of a bot with what is.
type tableWatch struct {
	namespace, name string
	clusters        int
	total           string
	node            *nodeWatch
	truths          []truth
	printed         []columns
	at              []time.Time
}

// The columns may lag behind what is by the operator's look at the Deployments, and at
// the control plane, and be ahead of what this test has seen by its own look: in time,
// and in looks of this test, which are far apart where the machine is slow.
const (
	lagOfColumns = 5 * time.Second
	lagLooks     = 12
	aheadOfUs    = time.Second
	aheadLooks   = 2
	lookAgain    = 300 * time.Millisecond
)

// watchTable samples the columns until the function that it returns is called, which
// then judges them. It has looked once when it returns: what changes from then on was
// otherwise before, which the columns may go on telling for a while.
func watchTable(t *testing.T, w *tableWatch) (judge func()) {
	t.Helper()
	caller, err := rest.HTTPClientFor(restConfig)
	if err != nil {
		t.Fatal(err)
	}
	plane := asks(t, w.namespace)
	if err := w.look(t.Context(), plane, caller); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(lookAgain):
				if err := w.look(t.Context(), plane, caller); err != nil {
					t.Errorf("looking at the columns: %v", err)
				}
			}
		}
	}()
	return func() {
		t.Helper()
		time.Sleep(aheadOfUs)
		close(stop)
		<-done
		w.judge(t)
	}
}

// look at what is, and then at what is printed.
func (w *tableWatch) look(ctx context.Context, plane *fleetapi.Client, caller *http.Client) error {
	now := truth{at: time.Now(), running: len(w.node.processes()), programs: map[string]bool{}}
	var deployments appsv1.DeploymentList
	if err := api.List(ctx, &deployments, client.InNamespace(w.namespace), client.MatchingLabels{"argus.dev/bot": w.name}); err != nil {
		return fmt.Errorf("listing Deployments: %w", err)
	}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		container := d.Spec.Template.Spec.Containers[0]
		now.programs[container.Image+" "+strings.Join(container.Args, " ")] = true
		if d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedReplicas == 1 && d.Status.AvailableReplicas == 1 && d.Status.Replicas == 1 {
			now.available++
		}
	}
	status, err := plane.Status(ctx, w.name+"-")
	if err != nil {
		return fmt.Errorf("asking the control plane: %w", err)
	}
	for i := range status.Clusters {
		if cluster := &status.Clusters[i]; cluster.Status == fleetapi.StatusUp {
			now.beats += cluster.ShardsUp
		}
	}
	w.truths = append(w.truths, now)
	printed, err := kubectlTable(ctx, caller, w.namespace, w.name)
	if err != nil {
		return err
	}
	w.printed, w.at = append(w.printed, printed), append(w.at, time.Now())
	return nil
}

// around is between what and what a number was about then.
func (w *tableWatch) around(then time.Time, number func(truth) int) (least, most int) {
	looks := func(at time.Time) int { // until then
		return sort.Search(len(w.truths), func(i int) bool { return w.truths[i].at.After(at) })
	}
	from := max(min(looks(then.Add(-lagOfColumns)), looks(then)-lagLooks)-1, 0) // what was so when the time began
	to := min(max(looks(then.Add(aheadOfUs)), looks(then)+aheadLooks), len(w.truths))
	least, most = math.MaxInt, math.MinInt
	for _, t := range w.truths[from:to] {
		least, most = min(least, number(t)), max(most, number(t))
	}
	return least, most
}

func (w *tableWatch) judge(t *testing.T) {
	t.Helper()
	shown := map[string]bool{}
	var wrong []string
	for i, printed := range w.printed {
		shown[printed["Clusters"]+" "+printed["Shards"]] = true
		for _, problem := range w.problems(w.at[i], printed) {
			wrong = append(wrong, w.at[i].Format("05.000")+": "+problem+": "+fmt.Sprint(printed))
		}
	}
	t.Logf("%d looks at the columns, %d different", len(w.printed), len(shown))
	if len(shown) < 3 {
		t.Errorf("the columns hardly changed (%v), so this test saw little", shown)
	}
	if len(wrong) > 0 {
		t.Errorf("%d of %d times the columns told what was not so:\n%s", len(wrong), len(w.printed), strings.Join(wrong[:min(len(wrong), 8)], "\n"))
	}
}

// problems of one row.
func (w *tableWatch) problems(at time.Time, printed columns) (list []string) {
	within := func(column, suffix string, number func(truth) int) {
		text, ok := strings.CutSuffix(printed[column], suffix)
		var n int
		if _, err := fmt.Sscanf(text, "%d", &n); err != nil || !ok {
			list = append(list, column+" is no number of "+suffix)
			return
		}
		if least, most := w.around(at, number); n < least || n > most {
			list = append(list, fmt.Sprintf("%s was from %d to %d", column, least, most))
		}
	}
	of := fmt.Sprintf("/%d", w.clusters)
	within("Clusters", of, func(t truth) int { return t.available })
	within("Shards", "/"+w.total, func(t truth) int { return t.beats })
	if _, most := w.around(at, func(t truth) int { return t.running }); strings.Compare(printed["Clusters"], fmt.Sprintf("%d%s", most, of)) > 0 {
		list = append(list, fmt.Sprintf("no more than %d processes ran", most))
	}
	ready, all := printed["Ready"] == "True", printed["Clusters"] == fmt.Sprintf("%d%s", w.clusters, of)
	if ready != (printed["Status"] == "Available") || (ready && !all) {
		list = append(list, "the columns contradict each other")
	}
	if mixed, _ := w.around(at, func(t truth) int { return len(t.programs) }); ready && mixed > 1 {
		list = append(list, "it is Ready while clusters are to run different things")
	}
	return list
}
