package pyjson

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestStrict(t *testing.T) {
	for document, want := range map[string]string{
		`{"a": NaN, "b": [Infinity, -Infinity, -1], "c": "NaN \" Infinity"}`: `{"a": null, "b": [null, null, -1], "c": "NaN \" Infinity"}`,
		`NaN`:           `null`,
		`"unfinished \`: `"unfinished \`,
		``:              ``,
		`NaNa`:          `nulla`,
	} {
		got, err := Strict([]byte(document))
		if err != nil || string(got) != want {
			t.Errorf("%s becomes %s (%v), want %s", document, got, err, want)
		}
	}
	if _, err := Strict([]byte(strings.Repeat("[", MaxDepth+1))); !errors.Is(err, ErrTooDeep) {
		t.Errorf("deep nesting: %v", err)
	}
	if _, err := Strict([]byte(strings.Repeat("[", MaxDepth))); err != nil {
		t.Errorf("allowed nesting: %v", err)
	}
}

func FuzzStrict(f *testing.F) {
	f.Add([]byte(`{"a": [NaN, -Infinity, "x\"NaN"]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		got, err := Strict(document)
		if err == nil && json.Valid(document) && string(got) != string(document) {
			t.Fatalf("strict JSON was changed: %q became %q", document, got)
		}
	})
}
