package registry

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxIdentityRunes bounds the identity of a new cluster.
	MaxIdentityRunes = 128
	// MaxFleetRunes bounds the name of a new fleet.
	MaxFleetRunes = 63
	// maxVersionRunes bounds what a member says about its own version.
	maxVersionRunes = 64
)

// checkNames refuses names that would blow up labels, pages or logs.
func checkNames(identity, fleet string) error {
	if identity == "" {
		return &NameError{"identity required"}
	}
	if reason := nameFault(identity, MaxIdentityRunes); reason != "" {
		return &NameError{"identity " + reason}
	}
	return checkFleet(fleet)
}

func checkFleet(fleet string) error {
	if reason := nameFault(fleet, MaxFleetRunes); reason != "" {
		return &NameError{"fleet " + reason}
	}
	return nil
}

func nameFault(name string, limit int) string {
	if utf8.RuneCountInString(name) > limit {
		return fmt.Sprintf("must have at most %d characters", limit)
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		return "must not hold control characters"
	}
	return ""
}

// tidyVersion keeps the printable beginning of what a member calls its version.
func tidyVersion(version string) string {
	kept := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, version)
	if runes := []rune(kept); len(runes) > maxVersionRunes {
		return string(runes[:maxVersionRunes])
	}
	return kept
}
