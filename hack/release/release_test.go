package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArchivesAreTheSameBytesForTheSameFiles(t *testing.T) {
	entries := []entry{{"b", 0o755, []byte("two")}, {"a", 0o644, []byte("one")}}
	first, err := tarball(slices.Clone(entries))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(entries)
	second, err := tarball(entries)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("another order gives other bytes")
	}
	if diff := cmp.Diff([]string{"a -rw-r--r-- one", "b -rwxr-xr-x two"}, contents(t, first)); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
}

// contents lists the files of an archive, which tell nothing of the machine.
func contents(t *testing.T, packed []byte) (found []string) {
	t.Helper()
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Uname != "" || header.ModTime.Unix() != 0 {
			t.Errorf("%s tells of the machine: %+v", header.Name, header)
		}
		found = append(found, header.Name+" "+header.FileInfo().Mode().String()+" "+string(content))
	}
}

func aRelease(t *testing.T) *release {
	t.Helper()
	r := &release{root: t.TempDir(), version: "v1.2.3", arches: []string{"amd64", "arm64"}, log: io.Discard}
	for _, name := range r.artifacts() {
		if err := r.write(name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestChecksumsAreOfEveryArtifactAndCheck(t *testing.T) {
	r := aRelease(t)
	if err := r.checksums(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", checksumFile)
	check.Dir = r.dist("")
	if output, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	content, err := os.ReadFile(r.dist(checksumFile))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(content), "\n"); got != len(r.artifacts()) {
		t.Errorf("%d checksums for %d artifacts", got, len(r.artifacts()))
	}
}

func TestAReleaseThatLacksSomethingIsRefused(t *testing.T) {
	for _, missing := range append(aRelease(t).artifacts(), checksumFile) {
		r := aRelease(t)
		if err := r.checksums(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.complete(); err != nil {
			t.Fatalf("a whole one is refused: %v", err)
		}
		if err := os.Remove(r.dist(missing)); err != nil {
			t.Fatal(err)
		}
		if err := r.complete(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

func TestWhatIsReleased(t *testing.T) {
	r := &release{version: "v1.2.3", arches: []string{"amd64"}}
	want := []string{
		"argus-bot_amd64.tar", "argus-fleet_amd64.tar", "argus-monitoring_v1.2.3.tar.gz", "argus-operator-1.2.3.tgz",
		"argus-operator_amd64.tar", "argus-operator_v1.2.3_linux_amd64.tar.gz", "install.yaml",
		"sbom_argus-bot_amd64.cdx.json", "sbom_argus-fleet_amd64.cdx.json", "sbom_manager_amd64.cdx.json", "sbom_page.cdx.json",
	}
	got := r.artifacts()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("artifacts (-want +got):\n%s", diff)
	}
}

func TestMonitoringHoldsBoardsAndRules(t *testing.T) {
	r := aRelease(t)
	if err := r.monitoring(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without boards: %v", err)
	}
	for _, path := range []string{"boards/a.json", "rules/b.yaml"} {
		full := filepath.Join(r.root, "dashboards", path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(path), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.monitoring(t.Context()); err != nil {
		t.Error(err)
	}
}
