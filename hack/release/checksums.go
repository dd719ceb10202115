package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// checksumFile has the form that sha256sum --check reads. It is what gets signed.
const checksumFile = "checksums.txt"

func (r *release) checksums(context.Context) error {
	names := r.artifacts()
	slices.Sort(names)
	var lines strings.Builder
	for _, name := range names {
		sum, err := digest(r.dist(name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%s  %s\n", sum, name)
	}
	return r.write(checksumFile, []byte(lines.String()))
}

func digest(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading an artifact: %w", err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("reading an artifact: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
