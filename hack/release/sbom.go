package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// pageBill lists the packages whose code is in the web page, which argus-fleet embeds.
const pageBill = "sbom_page.cdx.json"

func billOf(binary, arch string) string { return fmt.Sprintf("sbom_%s_%s.cdx.json", binary, arch) }

// sboms writes bills of materials in CycloneDX: of the binaries, from what the
// linker wrote into them; of the page, from its lock file.
func (r *release) sboms(ctx context.Context) error {
	for _, arch := range r.arches {
		for _, binary := range binaries() {
			path := filepath.Join("bin", "linux_"+arch, binary)
			if _, err := os.Stat(filepath.Join(r.root, path)); err != nil {
				if err := r.compile(ctx); err != nil {
					return err
				}
			}
			bill, err := r.tool(ctx, "cyclonedx-gomod", "cyclonedx-gomod", "bin", "-json", "-noserial", "-notimestamp", "-version", r.version, path)
			if err != nil {
				return err
			}
			if err := r.write(billOf(binary, arch), bill); err != nil {
				return err
			}
		}
	}
	lock, err := os.ReadFile(filepath.Join(r.root, "web", "package-lock.json"))
	if err != nil {
		return fmt.Errorf("listing the page's packages: %w", err)
	}
	bill, err := pageBillOf(lock, r.version)
	if err != nil {
		return fmt.Errorf("listing the page's packages: %w", err)
	}
	return r.write(pageBill, bill)
}
