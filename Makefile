# casflow: make help lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash

LINT_VERSION := v2.15.0
TOOLS := $(CURDIR)/bin/tools
LINT := $(TOOLS)/golangci-lint-$(LINT_VERSION)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X casflow/internal/config.version=$(VERSION)

ROUNDS ?= 20

.PHONY: help demo test chaos check build fmt lint vet deps clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## the whole pipeline on local parts; ARGS=--keep leaves them running
	@.ci/deps postgres
	@echo "compiling (the first time for some minutes) ..."
	@go run ./cmd/demo $(ARGS)

test: deps ## every test, with the race detector, on servers of its own
	go test -race -timeout 25m ./...

chaos: deps ## the fault suite; ROUNDS=n strikes in each test (20)
	go test -race -count=1 -timeout 60m -run 'Chaos|Unknown|OutOfCredits|KeyRotated|SameBytes' ./cmd/demo -rounds $(ROUNDS)

check: fmt lint vet test ## what CI runs

build: ## bin/worker, bin/enqueuer, bin/demo
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/worker ./cmd/enqueuer ./cmd/demo

fmt: $(LINT) ## fail if a file is not formatted
	@out=$$($(LINT) fmt --diff) || { echo "$$out"; echo "not formatted: run $(LINT) fmt"; exit 1; }

lint: $(LINT) ## the linters of .golangci.yml
	$(LINT) run --allow-parallel-runners

vet: ## go vet
	go vet ./...

deps: ## Postgres, redis-server and Prometheus, installed where apt is there
	@.ci/deps postgres redis prometheus

clean: ## what was built
	rm -rf bin

$(LINT):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@mv $(TOOLS)/golangci-lint $@
