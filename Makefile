# make            what there is
# Needs Go; python3 for one test (the reader written from the format alone).

GO            ?= go
BIN           := bin
PYTHON_ENV    := .build/python
WAXSEAL_PYTHON := $(CURDIR)/$(PYTHON_ENV)/bin/python
STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
VERSION       := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS       := -s -w -X main.version=$(VERSION)
BUILD         := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'
FUZZTIME      ?= 20s
AUDITOR_OS    := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# Tests that do less under the race detector.
EXHAUSTIVE    := EachByte|EachFile|EveryRun|FlatMemory

export WAXSEAL_PYTHON

SERVICES      := .build/services-tool

.PHONY: help run test torture bench fuzz lint build cross clean python services services-stop services-tool
.DEFAULT_GOAL := help

help:
	@echo 'make run      build everything and play the demonstration, data in ./waxseal-data'
	@echo 'make build    bin/waxseal and bin/waxverify'
	@echo 'make cross    waxverify for the machines of auditors: $(AUDITOR_OS)'
	@echo 'make test     every test, with the race detector and the real parts; ends with what was skipped and why'
	@echo 'make services       Apache Kafka, MinIO, versitygw and the ClickHouse engine for a desk, on free ports of the loopback address'
	@echo 'make services-stop  end them'
	@echo 'make torture  the long runs: 1000 kills, long fuzzing of steps'
	@echo 'make bench    measure the archive, two or three minutes; figures also in bench.json'
	@echo 'make fuzz     each fuzz target for FUZZTIME=$(FUZZTIME)'
	@echo 'make lint     gofmt, go vet, staticcheck'
	@echo 'make clean    remove what was built (not ./waxseal-data)'

run:
	@echo 'building $(BIN)/waxseal and $(BIN)/waxverify (the first time downloads and compiles modules, a minute or two) …'
	@$(BUILD) -o $(BIN)/waxseal ./cmd/waxseal
	@$(BUILD) -o $(BIN)/waxverify ./cmd/waxverify
	@exec $(BIN)/waxseal run --demo

build:
	@echo 'building $(BIN)/waxseal and $(BIN)/waxverify …'
	@$(BUILD) -o $(BIN)/waxseal ./cmd/waxseal
	@$(BUILD) -o $(BIN)/waxverify ./cmd/waxverify

cross:
	@for target in $(AUDITOR_OS); do \
		out=$(BIN)/waxverify-$${target%/*}-$${target#*/}; \
		case $$target in windows/*) out=$$out.exe;; esac; \
		echo "building $$out …"; \
		GOOS=$${target%/*} GOARCH=$${target#*/} $(BUILD) -o $$out ./cmd/waxverify || exit 1; \
	done

test: python services-tool
	@$(GO) build -o .build/testsum ./deploy/dev/testsum
	@$(SERVICES) run .build/testsum -race -timeout 30m ./...
	@echo 'without the race detector, what it makes too slow to be exhaustive …'
	@.build/testsum -timeout 30m -run '$(EXHAUSTIVE)' ./ledger/verify ./archiver/lane ./exporter/bundle

torture: python services-tool
	@$(GO) build -o .build/testsum ./deploy/dev/testsum
	@WAXSEAL_TORTURE=1 $(SERVICES) run .build/testsum -timeout 6h -run 'Kill|Crash|Frozen|Torture|Model|Shared|Rewound' ./...

services-tool:
	@$(GO) build -o $(SERVICES) ./deploy/dev/services

services: services-tool
	@$(SERVICES) up

services-stop: services-tool
	@$(SERVICES) down

bench:
	@CGO_ENABLED=0 $(GO) run ./deploy/dev/bench

fuzz:
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "fuzzing $$pkg $$target for $(FUZZTIME) …"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

lint:
	@echo 'gofmt …'; bad=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$bad" ]; then echo "not formatted: $$bad"; exit 1; fi
	@echo 'go vet …'; $(GO) vet ./...
	@echo 'staticcheck …'; $(GO) run $(STATICCHECK) ./...

# The Python of the tests, with its one package at a fixed version and hash.
python:
	@if ! command -v python3 >/dev/null; then \
		echo '*** no python3: the tests of the Python reader will be skipped'; \
	elif [ ! -e $(PYTHON_ENV)/done ] || [ deploy/dev/requirements.txt -nt $(PYTHON_ENV)/done ]; then \
		echo 'making a Python environment in $(PYTHON_ENV) …'; \
		rm -rf $(PYTHON_ENV) && python3 -m venv $(PYTHON_ENV) && \
		$(PYTHON_ENV)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r deploy/dev/requirements.txt && \
		touch $(PYTHON_ENV)/done || { rm -rf $(PYTHON_ENV); echo '*** no Python environment: the tests of the Python reader will be skipped'; }; \
	fi

clean:
	@rm -rf $(BIN) .build
