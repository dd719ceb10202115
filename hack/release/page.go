package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// lockFile is as much of a package-lock.json as a bill of materials needs.
type lockFile struct {
	Packages map[string]struct {
		Version string `json:"version"`
		License string `json:"license"`
		// Dev packages build the page and are not in it.
		Dev bool `json:"dev"`
	} `json:"packages"`
}

// bill is a bill of materials as CycloneDX 1.6 has it.
type bill struct {
	Format      string      `json:"bomFormat"`
	SpecVersion string      `json:"specVersion"`
	Version     int         `json:"version"`
	Metadata    metadata    `json:"metadata"`
	Components  []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type     string    `json:"type"`
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	PURL     string    `json:"purl,omitempty"`
	Licenses []license `json:"licenses,omitempty"`
}

type license struct {
	Expression string `json:"expression"`
}

// pageBillOf lists the packages of a lock file that end up in the page. npm's own
// command refuses a package without a version, and the page has only the project's.
func pageBillOf(lock []byte, version string) ([]byte, error) {
	var locked lockFile
	if err := json.Unmarshal(lock, &locked); err != nil {
		return nil, fmt.Errorf("reading package-lock.json: %w", err)
	}
	b := bill{
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata: metadata{component{Type: "application", Name: "argus-page", Version: version}},
	}
	for path, one := range locked.Packages {
		_, name, installed := strings.Cut("/"+path, "/node_modules/")
		if !installed || one.Dev {
			continue
		}
		c := component{Type: "library", Name: name, Version: one.Version, PURL: "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + one.Version}
		if one.License != "" {
			c.Licenses = []license{{one.License}}
		}
		b.Components = append(b.Components, c)
	}
	if len(b.Components) == 0 {
		return nil, errors.New("package-lock.json names no package that is in the page")
	}
	slices.SortFunc(b.Components, func(x, y component) int { return strings.Compare(x.PURL, y.PURL) })
	return json.MarshalIndent(b, "", "  ")
}
