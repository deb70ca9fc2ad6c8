# casflow: make help lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash

LINT_VERSION := v2.15.0
TOOLS := $(CURDIR)/bin/tools
LINT := $(TOOLS)/golangci-lint-$(LINT_VERSION)
VULN_VERSION := v1.9.0
VULN_DB ?= https://vuln.go.dev
VULN := $(TOOLS)/govulncheck-$(VULN_VERSION)
SBOM_VERSION := v1.10.0
SBOM := $(TOOLS)/cyclonedx-gomod-$(SBOM_VERSION)
KUSTOMIZE_VERSION := v5.8.1
KUSTOMIZE := $(TOOLS)/kustomize-$(KUSTOMIZE_VERSION)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X casflow/internal/config.version=$(VERSION)

ROUNDS ?= 20

# The same commit gives the same bytes, wherever it is built: no paths of the machine.
BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=auto -ldflags '$(LDFLAGS)'

.PHONY: help demo test chaos bench check build repeat vuln licenses sbom fmt lint vet deps clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## the whole pipeline on local parts; ARGS=--keep leaves them running
	@.ci/deps postgres
	@echo "compiling (the first time for some minutes) ..."
	@go run ./cmd/demo $(ARGS)

test: deps ## every test, with the race detector, on servers of its own
	@.ci/tests -race -timeout 25m ./...

chaos: deps ## the fault suite at full size, ten minutes or more; ROUNDS=n strikes in each test (20)
	go test -race -count=1 -timeout 60m -run 'Chaos|Unknown|OutOfCredits|KeyRotated|SameBytes|Shutdown' ./cmd/demo -full -rounds $(ROUNDS)
	go test -count=1 -run '^$$' -bench Worker_Memory ./cmd/demo

bench: build ## speed and memory next to the machine's bare limits, into bench/results.json; ARGS='-run pipeline -scale 0.2'
	@.ci/deps postgres redis
	go run ./cmd/bench -programs bin -out bench/results.json $(ARGS)

check: fmt lint vet test ## what CI runs

build: ## bin/worker, bin/enqueuer, bin/demo
	$(BUILD) -o bin/ ./cmd/worker ./cmd/enqueuer ./cmd/demo

repeat: ## build the last commit in two places and compare the bytes
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && for place in here over/there; do \
		git clone -q . "$$dir/$$place" && make -s -C "$$dir/$$place" build VERSION=repeat || exit 1; done && \
	cd "$$dir" && for program in worker enqueuer demo; do sha256sum {here,over/there}/bin/$$program && \
		cmp {here,over/there}/bin/$$program || exit 1; done

vuln: $(VULN) ## known vulnerabilities that casflow's code reaches, as VULN_DB knows them (https://vuln.go.dev)
	$(VULN) -db $(VULN_DB) ./...

sbom: $(SBOM) build ## bin/worker.cdx.json, bin/enqueuer.cdx.json: what the programs are made of (CycloneDX)
	@for program in worker enqueuer; do \
		$(SBOM) bin -json -std -licenses -assert-licenses -noserial -notimestamp -version $(VERSION) \
			-output bin/$$program.cdx.json bin/$$program 2>&1 | grep -v WRN || true; test -s bin/$$program.cdx.json || exit 1; done
	@ls bin/*.cdx.json

licenses: sbom ## the licence of every module in the programs; fails on one that is not agreed to
	@go run .ci/licenses.go bin/worker.cdx.json bin/enqueuer.cdx.json

fmt: $(LINT) ## fail if a file is not formatted
	@out=$$($(LINT) fmt --diff) || { echo "$$out"; echo "not formatted: run $(LINT) fmt"; exit 1; }

lint: $(LINT) ## the linters of .golangci.yml
	$(LINT) run --allow-parallel-runners

vet: ## go vet
	go vet ./...

deps: $(KUSTOMIZE) ## Postgres, redis-server, Prometheus and systemd-analyze, installed where apt is there; kustomize
	@.ci/deps postgres redis prometheus systemd

clean: ## what was built
	rm -rf bin

$(LINT):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@mv $(TOOLS)/golangci-lint $@

$(VULN):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install golang.org/x/vuln/cmd/govulncheck@$(VULN_VERSION)
	@mv $(TOOLS)/govulncheck $@

$(SBOM):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(SBOM_VERSION)
	@mv $(TOOLS)/cyclonedx-gomod $@

$(KUSTOMIZE):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install sigs.k8s.io/kustomize/kustomize/v5@$(KUSTOMIZE_VERSION)
	@mv $(TOOLS)/kustomize $@
