package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProgressShowsStepsAndTheirLines(t *testing.T) {
	var out bytes.Buffer
	progress := NewProgress(&out)
	failure := errors.New("no such thing")
	err := progress.Step(t.Context(), "looking", func(context.Context) error {
		fmt.Fprint(progress, "half a ")
		fmt.Fprint(progress, "line\nand another\nrest")
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("Step returned %v, want it to wrap %v", err, failure)
	}
	want := "[    0s] looking ...\n[    0s]   half a line\n[    0s]   and another\n[    0s]   rest\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}

func TestLogWithoutWriterIsDiscarded(t *testing.T) {
	logf(nil, "nobody reads %s", "this")
	var w io.Writer = &bytes.Buffer{}
	logf(w, "read %d", 1)
	if got := w.(*bytes.Buffer).String(); got != "read 1\n" {
		t.Errorf("logged %q", got)
	}
}
