# Everything that a developer and CI do. `make help` lists it; tools come from the Go module proxy, pinned in hack/tools.
SHELL := /bin/bash -eu -o pipefail
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# Build for another machine: make images ARCH=arm64
ARCH ?= $(shell go env GOARCH)
# More for the test runner: make unit ARGS='-run TestRegister -v'
ARGS ?=
# Where govulncheck looks: make govulncheck VULNDB=file:///srv/vulndb
VULNDB ?= https://vuln.go.dev
# How long each fuzz target runs: make fuzz FUZZTIME=10m
FUZZTIME ?= 30s

tool = go tool -modfile=hack/tools/$(1).mod $(1)
# Packages that hold tests with the build tag $(1).
tagged = $$(grep -rlE --include='*_test.go' '^//go:build .*\b$(1)\b' . | xargs -r dirname | sort -u)
# The words of $(1), each of which stands there once, that are not in $(2).
without = $$(printf '%s\n' $(1) $(2) $(2) | sort | uniq -u)

CHART := charts/argus-operator

##@ Develop

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  \033[36m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Compile the three binaries into bin/linux_<arch>/
	go run ./hack/images --arch=$(ARCH) --binaries-only

.PHONY: images
images: ## Build the three images as archives in bin/images/ (buildah; as root, installs it)
	go run ./hack/images --arch=$(ARCH)

.PHONY: generate
generate: ## Write what follows from types, markers and the chart: deep copies, CRDs, RBAC, copies, docs/api.md, the chart's README
	$(call tool,controller-gen) object paths=./api/...
	$(call tool,controller-gen) crd paths=./api/... output:crd:dir=config/crd/bases
	$(call tool,controller-gen) rbac:roleName=argus-operator paths=./controllers/... paths=./cmd/manager/... output:rbac:dir=config/rbac
	$(call tool,crd-ref-docs) --source-path=api/v1alpha1 --config=hack/tools/api-reference/config.yaml \
		--templates-dir=hack/tools/api-reference --renderer=markdown --output-path=docs/api.md --log-level=ERROR
	hack/chart

# Node is needed to change the page, not to compile what serves it.
web/node_modules: web/package.json web/package-lock.json
	hack/npm --prefix web ci
	@touch $@

.PHONY: web
web: web/node_modules ## Check the web page and build it into fleetserver/ui/dist (Node 20.19 or later)
	hack/npm --prefix web run check
	hack/npm --prefix web run build

.PHONY: fmt
fmt: ## Format Go files
	$(call tool,golangci-lint) fmt

.PHONY: lint
lint: ## golangci-lint (arrows, size, complexity, mistakes) and helm lint
	$(call tool,golangci-lint) run
	$(call tool,helm) lint --strict --quiet $(CHART)

.PHONY: verify
verify: generate web lint ## Generated files are fresh and the linters are content
	@git diff --exit-code || { echo "generated files differ: commit what make generate and make web wrote" >&2; exit 1; }
	@new=$$(git ls-files --others --exclude-standard config charts dashboards api docs fleetserver/ui); \
		[ -z "$$new" ] || { echo "generated files are not committed: $$new" >&2; exit 1; }

##@ Test

.PHONY: test
test: lint unit beside ## All that must pass before a merge, cheapest first
# Packages that have tests for a cluster, too, run whole with those, and not here before.
test: UNITS = $(call without,$$(go list -f '{{.Dir}}' ./... | sed "s|^$$PWD|.|"),$(call tagged,(apiserver|cluster|node|e2e)))

# A node's tests wait for its pods two thirds of their time, in which the rest is done. That can wait: the node goes first.
.PHONY: beside node-less
beside: compiler kubernetes web/node_modules
	@hack/need node nodejs
	@hack/need chromium chromium
	@$(MAKE) -j2 --output-sync=target e2e-node node-less
node-less:
	@nice $(MAKE) web-test
	@nice $(MAKE) api-test
	@nice $(MAKE) e2e-rest

.PHONY: compiler
compiler:
	@hack/need gcc gcc libc6-dev # the race detector links with it

.PHONY: unit
unit: compiler ## Tests that need nothing but Go
	go test -race -timeout 15m $(ARGS) $(UNITS)
UNITS := ./...

.PHONY: web-test
web-test: web/node_modules ## Tests of the web page: its modules, and all of it in Chromium
	@hack/need chromium chromium
	hack/npm --prefix web test
	hack/npm --prefix web run test:page

# An API server that starts and stops has 20 s otherwise, which a machine with several at once exceeds.
export KUBEBUILDER_CONTROLPLANE_START_TIMEOUT ?= 5m
export KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT ?= 5m
# Ahead of the tests, for their time limits count only them.
.PHONY: kubernetes
kubernetes: ## Compile Kubernetes into ~/.cache/argus-operator, once (about 15 minutes on two cores)
	go run ./hack/kubernetes build

.PHONY: api-test
api-test: compiler $(if $(KUBEBUILDER_ASSETS),,kubernetes) ## Tests against a real kube-apiserver and etcd
	@hack/need node nodejs # runs the page's setup wizard
	@met=$$(mktemp -d); trap "rm -rf $$met" EXIT; $(MAKE) -j2 --output-sync=target MET=$$met $(PARTS:%=api-test-%) api-test-rest
# The largest package in several processes: half of its tests have to run one after the other, and wait. The rest
# comes after the first of them: with a node's tests beside, what a third adds is only that each is late for its limits.
PARTS := 1 2
.PHONY: api-test-rest $(PARTS:%=api-test-%)
api_test = go test -race -timeout 50m -tags apiserver -count=1 $(ARGS)
$(PARTS:%=api-test-%): api-test-%:
	$(api_test) ./test/apiserver -args -shard=$*/$(words $(PARTS)) -met=$(MET)
api-test-rest:
	$(api_test) $(call without,$(call tagged,apiserver),./test/apiserver)

# hack/kubernetes proves the cluster, test/e2e the project in it.
.PHONY: e2e e2e-node e2e-rest
e2e: compiler kubernetes ## Tests in a real cluster on this machine, and what else runs as root
	@hack/need node nodejs # runs the page's setup wizard
	@$(MAKE) -j2 --output-sync=target e2e-node e2e-rest
# One package at a time: a machine holds one node. They wait for pods more than they compute, so those that need no node run meanwhile.
NODE := ./hack/demo ./hack/kubernetes/cluster ./hack/local ./test/e2e ./test/upgrade
e2e_test = go test -race -p 1 -timeout 50m -tags cluster,node,e2e -count=1 $(ARGS)
e2e-node:
	$(e2e_test) $(NODE)
e2e-rest:
	$(e2e_test) $(call without,$(call tagged,(cluster|node|e2e)),$(NODE))

.PHONY: test-long fuzz bench bench-scale
test-long: compiler kubernetes web/node_modules ## What takes too long for every change: 200 kills of a control plane, five minutes without a write, ten of the page, 30 s of every fuzz target
	go test -race -p 1 -timeout 3h -tags long,apiserver,cluster,node,e2e -count=1 $(ARGS) $(call tagged,long)
	PAGE=long hack/npm --prefix web run test:page
	@$(MAKE) fuzz
# One after the other. What a target finds is in testdata/fuzz of its package, to be committed with the fix.
fuzz: ## Run every fuzz target for FUZZTIME (30s)
	@grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' fleetserver cmd internal | sed -E 's|^(.*)/[^/]+:[0-9]+:func (Fuzz.*)$$|\1 \2|' | sort | \
		while read -r package target; do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "./$$package" </dev/null; \
		done

bench: ## The control plane against its targets, as one table (some minutes)
	go run ./hack/bench $(ARGS)
bench-scale: kubernetes ## The operator against its targets: 1,000 bots on simulated nodes, as one table (half an hour)
	go test -timeout 2h -tags scale -count=1 -v ./test/scale -run '^TestScale$$' $(ARGS)

##@ Release

.PHONY: build-installer
build-installer: ## Write dist/install.yaml, the operator for kubectl apply
	go run ./hack/release installer

.PHONY: sbom
sbom: ## Write bills of materials (CycloneDX) of the binaries and the web page into dist/
	go run ./hack/release sbom

.PHONY: release-dry-run
release-dry-run: ## Build all that a release consists of into dist/, for both architectures; nothing is signed or published
	go run ./hack/release $(ARGS)

.PHONY: govulncheck
govulncheck: ## Look for known vulnerabilities that our code can reach
	$(call tool,govulncheck) -db $(VULNDB) -tags apiserver,cluster,node,e2e,long,scale ./...

##@ Run

# Built, then exec'ed: a signal that make passes on reaches the program itself, which cleans up.
.PHONY: demo
demo: ## A local Kubernetes with the operator, a control plane and a bot; ends with Ctrl-C and leaves nothing (root)
	@mkdir -p bin && go build -o bin/demo ./hack/demo && exec bin/demo $(ARGS)

.PHONY: clean
clean: ## Remove what was built here (the compiled Kubernetes stays in ~/.cache/argus-operator)
	rm -rf bin dist
