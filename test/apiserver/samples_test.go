//go:build apiserver

package apiserver

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
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

// checkSamples fails a whole run that has not met every condition that a page shows.
// A run of some tests cannot tell.
func checkSamples(code int) int {
	if code != 0 || isPartial() {
		return code
	}
	for _, page := range []string{"argusfleet.md"} {
		unseen, err := unseenSamples(page)
		if err != nil || len(unseen) > 0 {
			fmt.Fprintf(os.Stderr, "docs/%s shows conditions that no test has met: %v\n%s\n", page, err, strings.Join(unseen, "\n"))
			return 1
		}
	}
	return code
}

// isPartial tells of a run that a flag narrows to some tests.
func isPartial() bool {
	narrowed := func(name string) bool {
		chosen := flag.Lookup(name)
		return chosen != nil && chosen.Value.String() != ""
	}
	return narrowed("test.run") || narrowed("test.skip")
}
