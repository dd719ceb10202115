//go:build apiserver

package apiserver

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/argus-dev/argus-operator/test/shard"
)

// metConditions are the conditions that tests have waited for, as the pages show them.
var metConditions = struct {
	mu    sync.Mutex
	texts map[string]bool
}{texts: map[string]bool{}}

var namespaceOfATest = regexp.MustCompile(`test-[a-z0-9]{5}`)

// noteCondition remembers a condition for the pages' samples.
func noteCondition(condition metav1.Condition) {
	text := sampleOf(condition)
	metConditions.mu.Lock()
	defer metConditions.mu.Unlock()
	metConditions.texts[text] = true
}

// sampleOf is a condition without what differs from one cluster to the next.
func sampleOf(condition metav1.Condition) string {
	message := namespaceOfATest.ReplaceAllString(condition.Message, "bots")
	return condition.Type + "=" + string(condition.Status) + "/" + condition.Reason + ": " + message
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(- type: .*?)```")

// unseenSamples lists the conditions that a page shows and that no test of this run
// has met. They would be made up.
func unseenSamples(page string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		return nil, err
	}
	var unseen []string
	for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
		var conditions []metav1.Condition
		if err := yaml.UnmarshalStrict([]byte(block[1]), &conditions); err != nil {
			return nil, err
		}
		for _, condition := range conditions {
			if sample := sampleOf(condition); !metConditions.texts[sample] {
				unseen = append(unseen, sample)
			}
		}
	}
	return unseen, nil
}

var met = flag.String("met", "", "the `directory` in which the parts of a run leave which conditions they have met")

// checkSamples fails a whole run that has not met every condition that a page shows. A
// run of some tests cannot tell; of a run in parts the last one does.
func checkSamples(code int) int {
	if code != 0 || shard.Narrowed() {
		return code
	}
	whole, err := gatherMet()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gathering the conditions that were met:", err)
		return 1
	}
	if !whole {
		return 0
	}
	for _, page := range []string{"argusbot.md", "argusfleet.md"} {
		unseen, err := unseenSamples(page)
		if err != nil || len(unseen) > 0 {
			fmt.Fprintf(os.Stderr, "docs/%s shows conditions that no test has met: %v\n%s\n", page, err, strings.Join(unseen, "\n"))
			return 1
		}
	}
	return 0
}

// refuseShard says what a part of a run lacks, or is nil.
func refuseShard() error {
	if _, parts := shard.Part(); parts > 1 && *met == "" && !shard.Narrowed() {
		return errors.New("-shard without -met: nobody could tell whether all parts together have met what the pages show")
	}
	return nil
}

// gatherMet adds what the other parts of the run have met, and tells whether all have ended.
func gatherMet() (whole bool, err error) {
	part, parts := shard.Part()
	if parts == 1 {
		return true, nil
	}
	texts, err := json.Marshal(metConditions.texts)
	if err != nil {
		return false, err
	}
	file := func(part int) string { return filepath.Join(*met, strconv.Itoa(part)+".json") }
	if err := os.WriteFile(file(part)+".new", texts, 0o600); err != nil {
		return false, err
	}
	if err := os.Rename(file(part)+".new", file(part)); err != nil {
		return false, err
	}
	for other := 1; other <= parts; other++ {
		texts, err := os.ReadFile(file(other))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil // it tells
		}
		if err != nil {
			return false, err
		}
		if err := json.Unmarshal(texts, &metConditions.texts); err != nil {
			return false, err
		}
	}
	return true, nil
}
