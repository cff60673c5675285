# `make demo` and `make test` each do all their set-up on a fresh machine. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.ONESHELL:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
WITH_DEMO := $(VENV)/.with-demo
WITH_KAFKA := $(VENV)/.with-kafka
WITH_DEV := $(VENV)/.with-dev
QUIX := .venv-quix
WITH_QUIX := $(QUIX)/.made
KAFKA_JARS := .kafka/.made
STATE := .crm-online
# One more than the cores of the smallest machine: the tests on Kafka wait for sessions to end more than they compute.
TEST_PROCESSES ?= 3

SOAK_MINUTES ?= 60
FUZZ_SECONDS ?= 1200
FUZZ_EXAMPLES ?= 1000

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(WITH_DEMO) ## Replay a real year of a shop; print its segments, its rules and what changed
	$(BIN)/crm-online demo --state $(STATE) $(DEMO_OPTIONS)

.PHONY: install
install: $(WITH_DEMO) $(WITH_KAFKA) ## Make .venv with everything that needs no root; then run .venv/bin/crm-online

.PHONY: test
test: $(WITH_DEV) $(KAFKA_JARS) ## Run every check and every test
	$(MAKE) --no-print-directory lint > $(VENV)/lint.log 2>&1 & lint=$$!
	folder=$$(scripts/test-folder)
	trap 'rm -rf "$$folder"' EXIT
	failed=0
	# Paths of sockets have 107 bytes at most, and pytest's own folder takes 23 of them.
	TMPDIR=$$folder $(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder \
		--basetemp $$folder/t $(PYTEST_OPTIONS) || failed=$$?
	wait $$lint || failed=$$?
	cat $(VENV)/lint.log
	exit $$failed

.PHONY: chaos
chaos: $(WITH_DEV) $(KAFKA_JARS) ## Kill, stop and put back workers, Redis and Kafka, for some seeds; and without each fence
	$(BIN)/python -m tests.kafka.chaos $(CHAOS_OPTIONS)

.PHONY: soak
soak: $(WITH_DEV) $(KAFKA_JARS) ## Let workers run under a steady load with faults, for SOAK_MINUTES (60); what memory that takes
	$(BIN)/python -m tests.kafka.chaos.soak --minutes $(SOAK_MINUTES) $(SOAK_OPTIONS)

.PHONY: fuzz
fuzz: $(WITH_DEV) ## Search for input that is not answered well, with new seeds, for FUZZ_SECONDS (1200)
	end=$$((SECONDS + $(FUZZ_SECONDS)))
	while (( SECONDS < end )); do
		seed=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
		echo "seed $$seed"
		CRM_ONLINE_FUZZ=$(FUZZ_EXAMPLES) $(BIN)/python -m pytest -q tests/fuzz tests/fuzz/http.py tests/streams/test_unpacked.py \
			--hypothesis-seed=$$seed $(PYTEST_OPTIONS)
	done

.PHONY: simulation
simulation: $(WITH_DEV) ## Run workers on a model of Kafka, with faults from new seeds
	PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation $(SIMULATION_OPTIONS)

.PHONY: lint
lint: $(WITH_DEV) ## Check style, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(WITH_DEV) ## Put the code into the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(WITH_DEV) $(KAFKA_JARS) $(WITH_QUIX) ## Measure speed and quality against other ways of doing the same
	$(BIN)/python -m benchmarks

.PHONY: docs
docs: $(WITH_DEV) ## Write the pages that are made from the code
	$(BIN)/python scripts/settings_page.py > docs/settings.md
	$(BIN)/python scripts/asyncapi.py > docs/asyncapi.yaml
	$(BIN)/python scripts/openapi.py > docs/openapi.json

.PHONY: lock
lock: ## Write down anew what the image installs: versions and hashes (deploy/requirements.txt)
	scripts/lock

.PHONY: sbom
sbom: $(WITH_DEV) ## List every library of .venv with version and licence (dist/sbom.json, CycloneDX); needs no network
	scripts/sbom $(BIN) dist/sbom.json

.PHONY: test-lowest
test-lowest: ## Run the tests with the oldest dependencies that pyproject.toml allows, extras too (Python 3.11)
	scripts/test-lowest $(PYTEST_OPTIONS)

.PHONY: clean
clean: ## Remove what make and the tests made; states of the demo stay
	rm -rf $(VENV) $(QUIX) .venv-lowest .venv-lock .kafka dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find crm_online streams tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. Each stamp is written once what it stands for is in.
$(VENV)/.made:
	python=$$(scripts/find-python)
	"$$python" -m venv --clear $(VENV)
	touch $@

$(WITH_DEMO): $(VENV)/.made pyproject.toml
	scripts/can-build-redis $(BIN)/python
	echo "installing crm-online and what the demo needs into $(VENV) …"
	$(PIP) install --editable '.[demo,plots]'
	touch $@

$(WITH_KAFKA): $(VENV)/.made pyproject.toml
	$(PIP) install --editable '.[kafka]'
	touch $@

$(WITH_DEV): $(VENV)/.made pyproject.toml scripts/install-system
	scripts/install-system $(BIN)/python
	echo "installing crm-online and what its tests need into $(VENV) …"
	$(PIP) install --editable '.[dev]'
	touch $@

# What the worker is measured against, apart: it asks for older libraries than we do.
$(WITH_QUIX): pyproject.toml
	python=$$(scripts/find-python)
	"$$python" -m venv --clear $(QUIX)
	echo "installing Quix Streams into $(QUIX) …"
	$(QUIX)/bin/python -m pip --quiet --disable-pip-version-check install --editable '.[quix]'
	touch $@

# The Apache Kafka of the tests; after what installs Maven.
$(KAFKA_JARS): tests/kafka/pom.xml scripts/kafka-jars | $(WITH_DEV)
	scripts/kafka-jars

.SILENT: $(KAFKA_JARS) $(WITH_QUIX) $(VENV)/.made $(WITH_DEMO) $(WITH_KAFKA) $(WITH_DEV)
