package shard

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryTestFallsToOnePart(t *testing.T) {
	names := []string{"TestA", "TestB", "TestC", "TestD", "TestE"}
	for _, parts := range []int{1, 2, 3} {
		seen := map[string]int{}
		for part := 1; part <= parts; part++ {
			for _, name := range every(names, part, parts) {
				seen[name]++
			}
		}
		for _, name := range names {
			if seen[name] != 1 {
				t.Errorf("of %d parts, %d run %s", parts, seen[name], name)
			}
		}
	}
	if diff := cmp.Diff([]string{"TestB", "TestD"}, every(names, 2, 2)); diff != "" {
		t.Errorf("the second half (-want +got):\n%s", diff)
	}
}

func TestAPartThatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{"", "1", "0/2", "3/2", "-1/2", "a/b", "1/0"} {
		if _, _, err := parse(text); err == nil {
			t.Errorf("-shard %q is taken", text)
		}
	}
	if part, parts, err := parse("2/3"); err != nil || part != 2 || parts != 3 {
		t.Errorf("2/3 is %d/%d, %v", part, parts, err)
	}
}
