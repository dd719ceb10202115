// Package smalldisk gives tests a disk that is soon full. It is not in test/ because
// what ships imports nothing from there, its tests included.
package smalldisk

import (
	"os"
	"syscall"
	"testing"
)

// Mount mounts a filesystem of one mebibyte until the test ends, and returns its
// path. That needs root.
func Mount(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	if err := syscall.Mount("tmpfs", directory, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatalf("mounting a small filesystem: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(directory, 0); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return directory
}

// Fill writes a file until the disk takes nothing more.
func Fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for {
		if _, err := file.Write(make([]byte, 4096)); err != nil {
			return
		}
	}
}
