package measure

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTableJudgesByTheTarget(t *testing.T) {
	var table Table
	table.AtMost("met from below", 3, 3, "s")
	table.AtMost("missed", 4, 3, "s")
	table.AtLeast("missed by far", 1, 3, "x")
	table.AtMost("none of none", 0, 0, "writes")
	table.Note("without a target", 5000, "KiB")
	var out strings.Builder
	table.Print(&out)
	var got [][]string
	for line := range strings.Lines(out.String()) {
		fields := strings.Split(strings.TrimSpace(line), "  ")
		got = append(got, []string{fields[0], strings.TrimSpace(fields[len(fields)-1])})
	}
	want := [][]string{
		{"WHAT", "VERDICT"},
		{"met from below", "met"},
		{"missed", "MISSED"},
		{"missed by far", "MISSED"},
		{"none of none", "met"},
		{"without a target", "5000 KiB"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"missed by far: 1 x, target >= 3 x"}, table.FarOff(1.5)); diff != "" {
		t.Errorf("far off (-want +got):\n%s", diff)
	}
}

func TestAProcessTellsWhatItUses(t *testing.T) {
	own := Process(os.Getpid())
	resident, err := own.Resident()
	if err != nil {
		t.Fatal(err)
	}
	highest, err := own.Highest()
	if err != nil {
		t.Fatal(err)
	}
	if resident < 1<<20 || highest < resident {
		t.Errorf("%.0f bytes now and %.0f at the most, want at least a MiB and no less", resident, highest)
	}
	if _, err := own.CPU(); err != nil {
		t.Error(err)
	}
	if _, err := Process(-1).CPU(); err == nil {
		t.Error("no error for a process that does not exist")
	}
}

func TestTheMachinesProcessorTimeIsReadInTicks(t *testing.T) {
	got, err := parseMachine("cpu  100 20 30 4000 500 6 7 80 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
	if err != nil {
		t.Fatal(err)
	}
	want := Machine{Busy: 1630 * time.Millisecond, Stolen: 800 * time.Millisecond}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, text := range []string{"", "cpu 1 2 3", "cpu0 1 2 3 4 5 6 7 8 9", "cpu 1 2 x 4 5 6 7 8 9"} {
		if _, err := parseMachine(text); err == nil {
			t.Errorf("%q is no line of processors", text)
		}
	}
	now, err := ReadMachine()
	if err != nil || now.Busy <= 0 {
		t.Errorf("this machine has used %+v: %v", now, err)
	}
}
