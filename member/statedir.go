package member

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

const (
	// identityFile has the original's name, so a bot that moves here from
	// argus-dpy keeps its random identity and with it its number.
	identityFile = "argus-fleet-id"
	// leaseFilePrefix is followed by a digest of the identity, so that several
	// members in one directory do not overwrite each other's lease.
	leaseFilePrefix = "argus-fleet-lease-"

	// What is read back is never longer than this; anything else is not ours.
	maxStateFileBytes = 4096
)

// stateDir is the directory that outlives the process. Everything in it is
// best effort: without it a member still works, under a new random identity or
// without the lease of its former life. "" keeps nothing.
type stateDir string

// identity returns the random identity kept in the directory, making one if
// there is none. With an error the identity is good for this process only.
func (d stateDir) identity() (string, error) {
	fresh := randomIdentity()
	if d == "" {
		return fresh, nil
	}
	path := filepath.Join(string(d), identityFile)
	if kept, err := readState(path); err == nil && validIdentity(kept) {
		return kept, nil
	}
	if err := d.write(identityFile, fresh, claimFile); err != nil {
		if kept, readErr := readState(path); readErr == nil && validIdentity(kept) {
			// Another process of this directory was faster: both are the same bot.
			return kept, nil
		}
		return fresh, fmt.Errorf("keeping the identity: %w", err)
	}
	return fresh, nil
}

// lease returns the lease kept for an identity, or "".
func (d stateDir) lease(identity string) string {
	if d == "" {
		return ""
	}
	lease, err := readState(filepath.Join(string(d), leaseFile(identity)))
	if err != nil {
		return ""
	}
	return lease
}

// keepLease replaces the lease kept for an identity.
func (d stateDir) keepLease(identity, lease string) error {
	if d == "" {
		return nil
	}
	if err := d.write(leaseFile(identity), lease, os.Rename); err != nil {
		return fmt.Errorf("keeping the lease: %w", err)
	}
	return nil
}

// write makes a file of mode 0600 whole under a temporary name, then publishes
// it under its own: a reader sees the old content or the new, and a crash
// leaves one of the two.
func (d stateDir) write(name, content string, publish func(from, to string) error) error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(string(d), "."+name+"-*") // CreateTemp gives 0600
	if err != nil {
		return err
	}
	_, err = temporary.WriteString(content + "\n")
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = publish(temporary.Name(), filepath.Join(string(d), name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}

// claimFile publishes a file unless a usable one is there already, so that of
// two processes that start together only one identity comes to be.
func claimFile(from, to string) error {
	err := os.Link(from, to)
	if !errors.Is(err, fs.ErrExist) {
		// Success, or a filesystem without links.
		if err == nil {
			return os.Remove(from)
		}
		return os.Rename(from, to)
	}
	if kept, readErr := readState(to); readErr == nil && validIdentity(kept) {
		return err
	}
	return os.Rename(from, to)
}

func readState(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxStateFileBytes {
		return "", fmt.Errorf("%s is not a file of this member", path)
	}
	content, err := os.ReadFile(path)
	return strings.TrimSpace(string(content)), err
}

func leaseFile(identity string) string {
	digest := sha256.Sum256([]byte(identity))
	return leaseFilePrefix + hex.EncodeToString(digest[:8])
}

func validIdentity(identity string) bool {
	return identity != "" && checkName("", identity, maxIdentityRunes) == nil && utf8.ValidString(identity)
}

// randomIdentity returns a version 4 UUID as 32 hex digits.
func randomIdentity() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return hex.EncodeToString(id[:])
}
