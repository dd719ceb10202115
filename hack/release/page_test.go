package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestThePagesBillHasWhatIsInIt(t *testing.T) {
	lock := `{"packages": {
		"": {"license": "Apache-2.0"},
		"node_modules/@preact/signals": {"version": "2.1.0", "license": "MIT"},
		"node_modules/preact": {"version": "11.0.0"},
		"node_modules/vite": {"version": "7.0.0", "dev": true}
	}}`
	got, err := pageBillOf([]byte(lock), "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,
		"metadata":{"component":{"type":"application","name":"argus-page","version":"v1.2.3"}},
		"components":[
		{"type":"library","name":"@preact/signals","version":"2.1.0","purl":"pkg:npm/%40preact/signals@2.1.0","licenses":[{"expression":"MIT"}]},
		{"type":"library","name":"preact","version":"11.0.0","purl":"pkg:npm/preact@11.0.0"}]}`
	if diff := cmp.Diff(squeezed(want), squeezed(string(got))); diff != "" {
		t.Errorf("bill (-want +got):\n%s", diff)
	}
}

func squeezed(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, `": `, `":`)), "")
}

func TestALockFileOfNothingIsNoBill(t *testing.T) {
	for name, lock := range map[string]string{
		"not JSON":              "packages:",
		"tools alone":           `{"packages": {"node_modules/vite": {"version": "7.0.0", "dev": true}}}`,
		"nothing was installed": `{"packages": {"": {}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := pageBillOf([]byte(lock), "v1.2.3"); err == nil {
				t.Errorf("it yields %s", got)
			}
		})
	}
}
