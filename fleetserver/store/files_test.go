package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// victim is a good state file that a test damages.
type victim struct {
	t    *testing.T
	path string
}

func newVictim(t *testing.T) victim {
	t.Helper()
	path := statePath(t)
	s, _ := openTest(t, path)
	for i := range 200 {
		if err := put(s, record(strings.Repeat("x", i+1), i+1), "asia", i+1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return victim{t, path}
}

func (v victim) edit(change func([]byte) []byte) {
	v.t.Helper()
	content, err := os.ReadFile(v.path)
	if err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(v.path, change(content), 0o600); err != nil {
		v.t.Fatal(err)
	}
}

func (v victim) update(change func(*bolt.Tx) error) {
	v.t.Helper()
	db, err := bolt.Open(v.path, 0o600, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		v.t.Fatal(err)
	}
}

func TestAFileThatIsNotAWholeStateIsRefusedByNameAndUntouched(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(v victim)
		want   string
	}{
		"empty": {func(v victim) {
			v.edit(func([]byte) []byte { return nil })
		}, "is empty"},
		"cut in the middle": {func(v victim) {
			v.edit(func(b []byte) []byte { return b[:5*4096] })
		}, "is cut short"},
		"cut within the first page": {func(v victim) {
			v.edit(func(b []byte) []byte { return b[:50] })
		}, "is not an argus-fleet state database"},
		"something else": {func(v victim) {
			v.edit(func([]byte) []byte { return bytes.Repeat([]byte("hello "), 10_000) })
		}, "is not an argus-fleet state database"},
		"zeros": {func(v victim) {
			v.edit(func(b []byte) []byte { return make([]byte, len(b)) })
		}, "is not an argus-fleet state database"},
		"pages overwritten": {func(v victim) {
			v.edit(func(b []byte) []byte { copy(b[3*4096:], bytes.Repeat([]byte{0xff}, len(b)-3*4096)); return b })
		}, "is damaged"},
		"somebody else's database": {func(v victim) {
			_ = os.Remove(v.path)
			v.update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
		}, "is not an argus-fleet state database"},
		"a later schema": {func(v victim) {
			v.update(func(tx *bolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("schema"), []byte("2")) })
		}, `has schema version "2", and this argus-fleet knows "1"`},
		"a record that is no JSON": {func(v victim) {
			v.update(func(tx *bolt.Tx) error { return tx.Bucket([]byte("clusters")).Put([]byte("x"), []byte("{")) })
		}, "holds a cluster that cannot be read"},
		"a counter of three bytes": {func(v victim) {
			v.update(func(tx *bolt.Tx) error { return tx.Bucket([]byte("counters")).Put([]byte("x"), []byte("abc")) })
		}, "holds a counter that cannot be read"},
		"a counter beyond reason": {func(v victim) {
			v.update(func(tx *bolt.Tx) error {
				return tx.Bucket([]byte("counters")).Put([]byte("x"), bytes.Repeat([]byte{0xff}, 8)) // -1
			})
		}, "holds a counter that cannot be read"},
		"a number beyond reason": {func(v victim) {
			v.update(func(tx *bolt.Tx) error {
				return tx.Bucket([]byte("clusters")).Put([]byte("x"), []byte(`{"identity": "x", "fleet": "asia", "numbers": {"asia": -5}}`))
			})
		}, "holds a cluster that cannot be read"},
		"a directory": {func(v victim) {
			if err := errors.Join(os.Remove(v.path), os.Mkdir(v.path, 0o700)); err != nil {
				v.t.Fatal(err)
			}
		}, "is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t)
			tc.change(v)
			path := v.path
			before, _ := os.ReadFile(path)
			_, _, err := Open(path, Options{})
			refusal, ok := errors.AsType[*FileError](err)
			if !ok || !strings.Contains(err.Error(), tc.want) || refusal.Path != path || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %v, want one line that %q and names the file", err, tc.want)
			}
			after, _ := os.ReadFile(path)
			if !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestATornMetaPageIsOvercome(t *testing.T) {
	for page, name := range []string{"the first", "the second"} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t)
			v.edit(func(b []byte) []byte { copy(b[page*4096+16:], make([]byte, 64)); return b })
			if _, state := openTest(t, v.path); len(state.Records) < 199 {
				t.Errorf("%d records left", len(state.Records))
			}
		})
	}
}

func TestAnUnfinishedNewFileIsReplaced(t *testing.T) {
	path := statePath(t)
	if err := os.WriteFile(path+newSuffix, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	openTest(t, path)
	left, err := filepath.Glob(path + ".*")
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestAMissingDirectoryIsAnError(t *testing.T) {
	if _, _, err := Open(filepath.Join(t.TempDir(), "no", "state.db"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want not-exist", err)
	}
}
