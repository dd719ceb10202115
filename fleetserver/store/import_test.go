package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

// v1JSON is a state as argus-dpy writes it, with what it can do wrong: a bare
// NaN, a counter that lags, and one number given twice after a move.
const v1JSON = `{"version": 1, "counters": {"asia": 2, "eu": 1}, "entries": [
 {"identity": "b", "fleet": "asia", "number": 3, "first_seen": 1780000001.5, "last_seen": 1780000100.25, "status": "up", "version": "0.4.2",
  "last_snapshot": {"metrics": {"x": {"samples": [{"value": NaN}]}}}, "scrape_target": "10.0.0.1:9191", "lease_hash": "abc"},
 {"identity": "a", "fleet": "asia", "number": 1, "first_seen": 1780000000.0, "last_seen": 1780000000.0, "status": "down", "version": "", "last_snapshot": null, "scrape_target": "", "lease_hash": ""},
 {"identity": "moved", "fleet": "asia", "number": 1, "first_seen": 1780000002.0, "last_seen": 1780000002.0}
]}`

func at(seconds float64) time.Time { return moment(seconds) }

func wantImported() registry.State {
	entry := func(identity string, number int, first float64) registry.Record {
		return registry.Record{
			Identity: identity, Fleet: "asia", Numbers: map[string]int{"asia": number},
			FirstSeen: at(first), RegisteredAt: at(first), Registrations: 1,
		}
	}
	b := entry("b", 3, 1780000001.5)
	b.Version, b.ScrapeTarget, b.Confirmed = "0.4.2", "10.0.0.1:9191", "abc"
	return registry.State{
		Records:  []registry.Record{entry("a", 1, 1780000000), b, entry("moved", 4, 1780000002)},
		LastSeen: map[string]registry.Sign{"a": {At: at(1780000000)}, "b": {At: at(1780000100.25)}, "moved": {At: at(1780000002)}},
		Counters: map[string]int{"asia": 4, "eu": 1},
		LastRun:  registry.Sign{At: at(1780000100.25)},
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestImportV1TakesEverythingOverAndKeepsTheOriginal(t *testing.T) {
	for name, tc := range map[string]struct{ source, path, kept string }{
		"in place":         {"argus-fleet-state.json", "argus-fleet-state.json", "argus-fleet-state.v1.json"},
		"in place, no ext": {"state", "state", "state.v1.json"},
		"beside":           {"argus-fleet-state.json", "argus-fleet-state.db", "argus-fleet-state.json"},
	} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			source, path := filepath.Join(directory, tc.source), filepath.Join(directory, tc.path)
			writeFile(t, source, v1JSON)
			clusters, err := ImportV1(source, path)
			if err != nil || clusters != 3 {
				t.Fatalf("%d clusters, %v", clusters, err)
			}
			_, state := openTest(t, path)
			if diff := cmp.Diff(wantImported(), state); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if kept, err := os.ReadFile(filepath.Join(directory, tc.kept)); err != nil || string(kept) != v1JSON {
				t.Errorf("the original was not kept as %s: %v", tc.kept, err)
			}
			if old, err := IsV1(path); old || err != nil {
				t.Errorf("after the import the state is still JSON: %v", err)
			}
		})
	}
}

func TestAnImportKilledAtAnyStepLeavesAWholeFileAndCanBeRepeated(t *testing.T) {
	for _, dies := range []string{"read", "built", "kept", "renamed"} {
		t.Run("after "+dies, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			writeFile(t, path, v1JSON)
			command := role(t, roleImport, path)
			command.Env = append(command.Env, stepVariable+"="+dies)
			if out, err := command.CombinedOutput(); err == nil || command.ProcessState.ExitCode() != -1 {
				t.Fatalf("the importing process was not killed: %v %s", err, out)
			}
			old, err := IsV1(path)
			if err != nil || old == (dies == "renamed") {
				t.Fatalf("JSON: %v, %v", old, err)
			}
			if old {
				if _, err := ImportV1(path, path); err != nil {
					t.Fatalf("repeating the import: %v", err)
				}
			}
			_, state := openTest(t, path)
			if diff := cmp.Diff(wantImported(), state); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if kept, err := os.ReadFile(strings.TrimSuffix(path, ".json") + keptSuffix); err != nil || string(kept) != v1JSON {
				t.Errorf("the original is lost: %v", err)
			}
		})
	}
}

func TestWhatCannotBeImportedIsRefusedAndUntouched(t *testing.T) {
	for name, tc := range map[string]struct{ content, want string }{
		"another version":         {`{"version": 2, "entries": []}`, "has schema version 2"},
		"cut short":               {v1JSON[:300], "is not the version-1 JSON"},
		"an entry without number": {`{"entries": [{"identity": "a", "fleet": "x"}]}`, "holds an entry without identity, fleet or number"},
		"a negative counter":      {`{"counters": {"x": -1}}`, "holds a counter of -1"},
		"a number beyond reason":  {`{"entries": [{"identity": "a", "fleet": "x", "number": 9223372036854775807}]}`, "holds an entry without identity, fleet or number"},
		"deep nesting":            {`{"x": ` + strings.Repeat("[", 99), "nested too deeply"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			writeFile(t, path, tc.content)
			_, err := ImportV1(path, path)
			if _, ok := errors.AsType[*FileError](err); !ok || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want a FileError that %q", err, tc.want)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != tc.content {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}

func TestEachMigrationKeepsItsOriginal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	base := strings.TrimSuffix(path, ".json")
	writeFile(t, base+".v1.json", "something else")
	second := strings.Replace(v1JSON, "1780000001.5", "1780000001.25", 1)
	for _, content := range []string{v1JSON, second} {
		writeFile(t, path, content) // somebody went back to the Python control plane
		if _, err := ImportV1(path, path); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for kept, want := range map[string]string{".v1.json": "something else", ".v1.2.json": v1JSON, ".v1.3.json": second} {
		if got, err := os.ReadFile(base + kept); err != nil || string(got) != want {
			t.Errorf("%s: %v, and is not what was kept there", kept, err)
		}
	}
}

func TestAFullShelfOfOriginalsStopsTheImport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	writeFile(t, path, v1JSON)
	for n := 1; n <= maxKept; n++ {
		writeFile(t, keptName(path, n), "something else")
	}
	if _, err := ImportV1(path, path); !errors.Is(err, os.ErrExist) {
		t.Errorf("%v, want exist", err)
	}
	if after, _ := os.ReadFile(path); string(after) != v1JSON {
		t.Error("the state was replaced all the same")
	}
}

func TestFindV1(t *testing.T) {
	for name, tc := range map[string]struct {
		content *string
		found   bool
		refused bool
	}{
		"the JSON is found":             {content: new(v1JSON), found: true},
		"with space in front, too":      {content: new("\n {}"), found: true},
		"no file is none":               {},
		"an empty file is refused":      {content: new(""), refused: true},
		"zeros are refused":             {content: new(strings.Repeat("\x00", 4096)), refused: true},
		"a byte order mark is refused":  {content: new("\ufeff" + v1JSON), refused: true},
		"another JSON value is refused": {content: new("[]"), refused: true},
		"only white space is refused":   {content: new(strings.Repeat(" ", 100)), refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			if tc.content != nil {
				writeFile(t, path, *tc.content)
			}
			found, err := FindV1(path)
			refusal, refused := errors.AsType[*FileError](err)
			if found != tc.found || refused != tc.refused || (err != nil) != tc.refused {
				t.Fatalf("%v, %v; want found %v, refused %v", found, err, tc.found, tc.refused)
			}
			if refused && (refusal.Path != path || !strings.Contains(err.Error(), "move it away")) {
				t.Errorf("%v does not name the file and the remedy", err)
			}
		})
	}
}

func TestExportIsWhatArgusDpyReadsAndComesBackAsItWas(t *testing.T) {
	state := wantImported()
	state.Records[0].Pending = "newer"
	retired := record("retired", 9)
	retired.Retired = true
	state.Records = append(state.Records, retired)
	encoded, err := EncodeV1(state, func(identity string) bool { return identity == "b" })
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version":1,"counters":{"asia":4,"eu":1},"entries":[` +
		`{"identity":"a","fleet":"asia","number":1,"first_seen":1780000000,"last_seen":1780000000,"status":"down","version":"","last_snapshot":null,"scrape_target":"","lease_hash":"newer"},` +
		`{"identity":"b","fleet":"asia","number":3,"first_seen":1780000001.5,"last_seen":1780000100.25,"status":"up","version":"0.4.2","last_snapshot":null,"scrape_target":"10.0.0.1:9191","lease_hash":"abc"},` +
		`{"identity":"moved","fleet":"asia","number":4,"first_seen":1780000002,"last_seen":1780000002,"status":"down","version":"","last_snapshot":null,"scrape_target":"","lease_hash":""}]}` + "\n"
	if diff := cmp.Diff(want, string(encoded)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	back, err := DecodeV1(encoded)
	if err != nil {
		t.Fatal(err)
	}
	expected := wantImported()
	expected.Records[0].Confirmed = "newer"
	if diff := cmp.Diff(expected, back); diff != "" {
		t.Errorf("and back (-want +got)\n%s", diff)
	}
}

func TestVerify(t *testing.T) {
	path := statePath(t)
	s, _ := openTest(t, path)
	for i, r := range []registry.Record{record("a", 1), record("b", 2)} {
		if err := put(s, r, "asia", i+1); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.Close()
	if wrong, err := Verify(path); err != nil || len(wrong) != 0 {
		t.Fatalf("a good file: %v %v", wrong, err)
	}
	s, _ = openTest(t, path)
	astray := record("c", 2)
	astray.Fleet = "nowhere"
	astray.Numbers = map[string]int{"asia": 2, "eu": 7}
	if err := put(s, astray, "", 0); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	wrong, err := Verify(path)
	want := []string{
		`"c" has no number in its fleet "nowhere"`,
		`number 2 of fleet "asia" belongs to "b" and to "c"`,
		`number 7 of fleet "eu" is above its counter 0`,
	}
	if diff := cmp.Diff(want, wrong); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestSkipNumbersRaisesEveryCounter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	writeFile(t, path, v1JSON)
	if _, err := ImportV1(path, path); err != nil {
		t.Fatal(err)
	}
	if err := SkipNumbers(path, 100); err != nil {
		t.Fatal(err)
	}
	state, err := Read(path)
	if diff := cmp.Diff(map[string]int{"asia": 104, "eu": 101}, state.Counters); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestSkippingBeyondReasonChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	writeFile(t, path, v1JSON)
	if _, err := ImportV1(path, path); err != nil {
		t.Fatal(err)
	}
	for _, count := range []int{math.MaxInt, maxNumber - 3, -1} {
		if err := SkipNumbers(path, count); err == nil {
			t.Errorf("skipping %d numbers is accepted", count)
		}
	}
	state, err := Read(path)
	if diff := cmp.Diff(map[string]int{"asia": 4, "eu": 1}, state.Counters); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestASnapshotIsAWholeStateThatCanBeRestored(t *testing.T) {
	path := statePath(t)
	s, _ := openTest(t, path)
	for i := range 50 {
		if err := put(s, record(fmt.Sprint("bot-", i), i+1), "asia", i+1); err != nil {
			t.Fatal(err)
		}
	}
	copied, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := put(s, record("later", 51), "asia", 51); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(copied)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v %v", info, err)
	}
	restored := statePath(t)
	if err := Restore(copied, restored); err != nil {
		t.Fatal(err)
	}
	if _, state := openTest(t, restored); len(state.Records) != 50 || state.Counters["asia"] != 50 {
		t.Errorf("%d records, counter %d", len(state.Records), state.Counters["asia"])
	}
	_ = s.Close()
	openTest(t, path) // clears what is left of snapshots
	if _, err := os.Stat(copied); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a forgotten snapshot stays: %v", err)
	}
}

func FuzzDecodeV1(f *testing.F) {
	f.Add([]byte(v1JSON))
	f.Add([]byte(`{"entries": [{"identity": "a", "fleet": "b", "number": 1, "first_seen": -1e300}]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		state, err := DecodeV1(content)
		if err != nil {
			return
		}
		if wrong := verifyNumbers(state); len(wrong) != 0 {
			t.Fatalf("imported a state with faults: %v", wrong)
		}
		encoded, err := EncodeV1(state, func(string) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeV1(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if reencoded, err := EncodeV1(again, func(string) bool { return true }); err != nil || !bytes.Equal(encoded, reencoded) {
			t.Fatalf("not stable: %s and %s (%v)", encoded, reencoded, err)
		}
	})
}

// TestAFleetAtTheOldCapIsImported takes over as many entries as argus-dpy lists by
// default, each with a snapshot as a bot sends it.
func TestAFleetAtTheOldCapIsImported(t *testing.T) {
	const entries = 5000
	directory := t.TempDir()
	source, path := filepath.Join(directory, "argus-fleet-state.json"), filepath.Join(directory, "state.db")
	writeFile(t, source, manyV1(entries))
	clusters, err := ImportV1(source, path)
	if err != nil || clusters != entries {
		t.Fatalf("%d clusters, %v", clusters, err)
	}
	if wrong, err := Verify(path); err != nil || len(wrong) != 0 {
		t.Errorf("the state is wrong: %v %v", wrong, err)
	}
	state, err := Read(path)
	if err != nil || len(state.Records) != entries {
		t.Fatalf("%d records, %v", len(state.Records), err)
	}
	for _, r := range state.Records {
		var i int
		_, err := fmt.Sscanf(r.Identity, "bot-%d", &i)
		if got, want := [...]any{err, r.Number(), r.Confirmed}, [...]any{error(nil), i/2 + 1, fmt.Sprintf("%064d", i)}; got != want {
			t.Fatalf("%s: %v, want %v", r.Identity, got, want)
		}
	}
	if diff := cmp.Diff(map[string]int{"asia": 2500, "eu": 2500}, state.Counters); diff != "" {
		t.Errorf("counters (-want +got)\n%s", diff)
	}
}

// manyV1 is a state of so many bots, two of each number, with a counter that lags.
func manyV1(entries int) string {
	var b strings.Builder
	b.WriteString(`{"version": 1, "counters": {"asia": 2400, "eu": 2500}, "entries": [`)
	for i := range entries {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `{"identity": "bot-%d", "fleet": "%s", "number": %d, "first_seen": %d.5, "last_seen": 1780000100.25, "status": "up", "version": "0.4.2", `+
			`"last_snapshot": {"metrics": {"discord_shard_latency_seconds": {"samples": [{"name": "discord_shard_latency_seconds", "labels": {"shard": "0"}, "value": Infinity}]}}}, `+
			`"scrape_target": "", "lease_hash": "%064d"}`, i, []string{"asia", "eu"}[i%2], i/2+1, 1780000000+i, i)
	}
	b.WriteString("]}")
	return b.String()
}
