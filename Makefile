# Every command of the README is one of these or `papers`. The first one run makes .venv/.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# `dg` warns when it is run from an environment that is not activated.
export VIRTUAL_ENV := $(CURDIR)/.venv

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-ui dev test test-slow test-distributed test-all e2e chaos bench audit \
	audit-packages matrix lint format lock clean

help:  ## list these targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
		f"Python 3.11 or newer is needed, {sys.executable} is {sys.version.split()[0]}:" \
		" make PYTHON=python3.12 ...")'
	@echo "Setting up .venv (once; about two minutes)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

setup: $(READY)  ## make the environment

demo: $(READY)  ## build the sample days into data/demo/, without any key
	@$(BIN)/python -m papers_pipeline.sandbox.demo

demo-ui: $(READY)  ## the Dagster UI on the demo's data, with the sandbox running
	@$(BIN)/python -m papers_pipeline.sandbox.demo --ui

dev: $(READY)  ## the Dagster UI on data/
	@DAGSTER_HOME="$$($(BIN)/python -m papers_pipeline.home)" DG_CLI_TELEMETRY=0 $(BIN)/dg dev

test: $(READY)  ## the tests, which need nothing but Python
	@$(BIN)/python -m pytest -n auto --dist worksteal

test-slow: $(READY)  ## the slow tests, and those that need git, rsync or Postgres
	@$(BIN)/python -m papers_pipeline_tests.helpers.programs git rsync bash initdb
	@$(BIN)/python -m pytest -n auto --dist worksteal --timeout 900 -m "slow or programs"

test-distributed: $(READY)  ## a backfill on several machines (Debian's postgresql and redis-server)
	@$(BIN)/python -m papers_pipeline_tests.helpers.programs initdb redis-server
	@$(BIN)/python -m pytest -o addopts="-q -s --strict-markers" --timeout 1800 papers_pipeline_tests/distributed

test-all: test test-slow  ## both; `make e2e` has the tests in a browser

e2e: $(READY)  ## the tests in a browser (Debian's chromium) and with a real `dg dev`, or E2E=files
	@$(BIN)/python -m pytest -o addopts="-q --strict-markers" --timeout 900 -n 2 --dist loadfile \
		$(or $(E2E),papers_pipeline_tests/e2e)

chaos: $(READY)  ## days of breakage from a seed; TICKS=, SEED=, CASES=, LOG=file
	@$(BIN)/python -m papers_pipeline_tests.chaos $(TICKS:%=--ticks %) $(SEED:%=--seed %) \
		$(CASES:%=--cases %) $(LOG:%=--log %)

bench: $(READY)  ## every figure as a ratio to its bound; ROWS=, PAPERS=, RUNS=, PDFS=folder, DOCS=1
	@$(BIN)/python -m benchmarks $(ROWS) $(PAPERS:%=--papers %) $(RUNS:%=--runs %) \
		$(PDFS:%=--pdfs %) $(CALLS:%=--calls-per-minute %) \
		$(JSON:%=--json %) $(DOCS:%=--docs)

audit: $(READY)  ## Lighthouse and the Nu HTML checker (node and java)
	@npm ci --silent --prefix papers_pipeline_tests/audit
	@$(BIN)/python -m papers_pipeline_tests.audit

audit-packages: $(READY)  ## known vulnerabilities (asks osv.dev) and data/sbom.json
	@$(BIN)/python -m papers_pipeline_tests.audit.packages

matrix: $(READY)  ## write the fault matrix of docs/reliability.md from the tests' markers
	@$(BIN)/python -m papers_pipeline_tests.audit.matrix

lint: $(READY)  ## ruff, mypy, the contract between packages, `dg check defs`
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && cp papers_pipeline/dagster.yaml "$$home" && \
		DAGSTER_HOME="$$home" DG_CLI_TELEMETRY=0 $(BIN)/dg check defs

format: $(READY)  ## let ruff format and mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(READY)  ## write requirements.lock anew from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --group dev --generate-hashes \
		--no-annotate --no-header --no-emit-index-url --no-emit-find-links --no-strip-extras \
		pyproject.toml --output-file requirements.lock

clean:  ## remove what the demo made
	@rm -rf data/demo
