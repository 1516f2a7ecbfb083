# Needs Go; set-up obtains the rest, through npm and apt-get.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Where set-up keeps servers and libraries, shared by all checkouts.
PUENKTLICH_CACHE ?= $(HOME)/.cache/puenktlich
export PUENKTLICH_CACHE

BINARY := bin/puenktlich
BENCHTIME ?= 1s

# Flags of `puenktlich up` that are set as make variables.
UP_FLAGS := $(if $(SOURCE),--source '$(SOURCE)') \
	$(if $(RECORDINGS),--recordings '$(RECORDINGS)') \
	$(if $(SPEED),--speed '$(SPEED)') \
	$(if $(START),--start '$(START)')

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  make up takes SOURCE=simulation|recording|live, RECORDINGS=DIR, SPEED=N, START=TIME."
	@echo "  Set-up keeps what it obtains in PUENKTLICH_CACHE ($(PUENKTLICH_CACHE))."

.PHONY: build
build: ## build bin/puenktlich
	CGO_ENABLED=0 go build -o $(BINARY) ./cmd/puenktlich

.PHONY: setup
setup: build ## obtain the servers and libraries that are missing
	@$(BINARY) setup

# exec: Ctrl-C and SIGTERM reach the program itself, which stops everything.
.PHONY: up
up: setup ## start everything on this machine; Ctrl-C stops it
	@exec $(BINARY) up $(UP_FLAGS)

.PHONY: test
test: setup vet ## run all checks and tests
	go test -timeout 25m ./...

# workflowcheck finds calls in workflows that would not replay.
.PHONY: vet
vet: setup ## go vet and workflowcheck
	go vet ./...
	"$$PUENKTLICH_CACHE/bin/$$(cat "$$PUENKTLICH_CACHE/bin/latest")/workflowcheck" ./workflows/...

.PHONY: fmt
fmt: ## name the files that gofmt would change
	@unformatted="$$(find . -name '*.go' -not -path './.local/*' -exec gofmt -l {} +)"; \
	if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi

.PHONY: check
check: fmt test ## what a change must pass

.PHONY: bench
bench: ## run the benchmarks, BENCHTIME each (1x: once)
	go test -timeout 0 -run '^$$' -bench . -benchtime $(BENCHTIME) ./...

# One drift, a night a line, in a stack of its own; HOLD=1 keeps its servers until Ctrl-C.
.PHONY: demo-drift
demo-drift: setup ## live through a railway that changes: seen, answered, survived
	@exec $(BINARY) backtest --experiment docs/backtest/demo.yaml --scenario feature_break --again \
		--results .local/demo/results --report .local/demo/drift.md $(if $(HOLD),--hold)

.PHONY: load
load: setup ## measure forecasts over HTTP beside an echo, each on a core of its own, into docs/serving-speed.md
	go test -timeout 0 -run '^$$' -bench Serving -benchtime 1x ./cmd/puenktlich -record '$(CURDIR)/docs/serving-speed.md'

# Sizes of the scale table, in planned events.
EVENTS ?= 100000

.PHONY: scale
scale: ## measure a recorded day and EVENTS simulated events into docs/scale.md
	go test -timeout 0 -run '^$$' -bench BerlinDay -benchtime 1x ./activities/collect -record '$(CURDIR)/docs/scale.md'
	go test -timeout 0 -run '^$$' -bench Scale -benchtime 1x ./activities/prepare -events '$(EVENTS)' -record '$(CURDIR)/docs/scale.md'

.PHONY: clean
clean: ## remove what was built; data under .local and the cache stay
	rm -rf bin
