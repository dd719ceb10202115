package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/argus-dev/argus-operator/hack/local"
)

// release is one build of a release.
type release struct {
	root, version string
	arches        []string
	noImages      bool
	log           io.Writer
}

// binaries are the programs, as make build names them.
func binaries() []string { return []string{"manager", "argus-fleet", "argus-bot"} }

// dist is a path in the directory of what is built.
func (r *release) dist(name string) string { return filepath.Join(r.root, "dist", name) }

// all builds everything, and checks that nothing is missing.
func (r *release) all(ctx context.Context) error {
	if err := os.RemoveAll(r.dist("")); err != nil {
		return fmt.Errorf("removing an earlier build: %w", err)
	}
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"compiling", r.compile},
		{"packing the binaries", r.pack},
		{"building the images", r.images},
		{"packaging the chart", r.chart},
		{"writing install.yaml", r.installer},
		{"writing the bills of materials", r.sboms},
		{"copying boards and rules", r.monitoring},
		{"writing the checksums", r.checksums},
	}
	for _, step := range steps {
		started := time.Now()
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		fmt.Fprintf(r.log, "%s took %s\n", step.what, time.Since(started).Round(100*time.Millisecond))
	}
	return r.complete()
}

// artifacts are the files that a release consists of, without the checksums.
func (r *release) artifacts() []string {
	names := []string{
		fmt.Sprintf("argus-operator-%s.tgz", strings.TrimPrefix(r.version, "v")),
		"install.yaml",
		monitoringArchive(r.version),
		pageBill,
	}
	for _, arch := range r.arches {
		names = append(names, binaryArchive(r.version, arch))
		for _, binary := range binaries() {
			names = append(names, billOf(binary, arch))
		}
		if !r.noImages {
			for _, image := range []string{"argus-operator", "argus-fleet", "argus-bot"} {
				names = append(names, image+"_"+arch+".tar")
			}
		}
	}
	return names
}

// complete compares what is there with what there should be.
func (r *release) complete() error {
	for _, name := range append(r.artifacts(), checksumFile) {
		info, err := os.Stat(r.dist(name))
		if err != nil {
			return fmt.Errorf("the release is not whole: %w", err)
		}
		fmt.Fprintf(r.log, "%10d  dist/%s\n", info.Size(), name)
	}
	return nil
}

func (r *release) compile(ctx context.Context) error {
	for _, arch := range r.arches {
		if err := (local.Builder{Root: r.root, Arch: arch, Log: r.log}).Binaries(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *release) images(ctx context.Context) error {
	if r.noImages {
		return nil
	}
	for _, arch := range r.arches {
		if _, err := (local.Builder{Root: r.root, Arch: arch, Out: r.dist(""), Log: r.log}).Images(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *release) chart(ctx context.Context) error {
	_, err := r.tool(ctx, "helm", "helm", "package", filepath.Join("charts", "argus-operator"), "--destination", "dist")
	return err
}

// installer writes what `kubectl apply -k config/default` would apply.
func (r *release) installer(ctx context.Context) error {
	manifests, err := r.tool(ctx, "kustomize", "kustomize", "build", filepath.Join("config", "default"))
	if err != nil {
		return err
	}
	head := "# The Argus operator " + r.version + ", its CustomResourceDefinitions and its namespace:\n" +
		"# kubectl apply --server-side -f install.yaml\n"
	return r.write("install.yaml", []byte(head+string(manifests)))
}

// write puts a file into dist/.
func (r *release) write(name string, content []byte) error {
	if err := os.MkdirAll(r.dist(""), 0o755); err != nil {
		return fmt.Errorf("making room: %w", err)
	}
	if err := os.WriteFile(r.dist(name), content, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	fmt.Fprintf(r.log, "wrote dist/%s\n", name)
	return nil
}

// tool runs a program that hack/tools pins, and returns what it printed.
func (r *release) tool(ctx context.Context, file, program string, args ...string) ([]byte, error) {
	path, err := local.Tool(ctx, r.root, file, program)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = r.root
	var complaint strings.Builder
	cmd.Stderr = &complaint
	printed, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", program, args[0], err, strings.TrimSpace(complaint.String()))
	}
	return printed, nil
}
