# Everything a contributor needs, one line each: `make help`. CONTRIBUTING.md says when to use which.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The Python to build .venv with, and where everything else is run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PROTOS_READY := .venv-protos/.ready
FLOOR_READY := .venv-floor/.ready
PREFECT_READY := .venv-prefect/.ready
OLDEST_PREFECT_READY := .venv-prefect-oldest/.ready
NEWEST_PREFECT_READY := .venv-prefect-newest/.ready

# What the tools look at: whatever of these exists.
SOURCES := $(wildcard sdk services gateway/headrace_gateway gateway/headrace_prefect migrations tests tools examples)
TESTS := $(wildcard tests/unit tests/service tests/conformance)
# These drive programs that not every machine has, a browser first of all (`make programs clients` gets them), or take
# a minute each.
PROGRAM_TESTS := tests/e2e/ui tests/e2e/prefect tests/e2e/test_clients.py tests/e2e/test_ldap.py tests/faults/test_alerts.py tests/faults/test_rolling.py
# These start whole servers and kill them: one at a time, so that what they wait for is theirs alone.
LONE_TESTS := $(wildcard tests/e2e tests/faults) $(PROGRAM_TESTS:%=--ignore=%)
WORKERS ?= 2
# Real processes on a busy machine may lose a race with a test's patience: one more try, and each that needed it is listed.
AGAIN ?= --reruns 1 --reruns-delay 2 -rR
# The same examples each time: one result is about the code alone. HYPOTHESIS= looks for new ones.
HYPOTHESIS ?= --hypothesis-seed=0

.PHONY: help setup ui ui-check demo test test-programs floor fuzz check security audit lint types imports layout contracts schema protos protos-check clients clients-check programs prefect lock docs bench up clean

help: ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)$$/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: $(READY) ui ## Build .venv from the lock, install everything into it, build the UI

$(READY): requirements/dev.lock pyproject.toml tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py --environment $(VENV)
	@touch $@

ui: $(READY) ## Build the web UI (gateway/ui), where it changed
	@bash tools/ui.sh build

ui-check: $(READY) ## Check types and style of the web UI, and test its logic
	@bash tools/ui.sh check

demo: setup ## Run the demo on real data: server, worker, schedules, a live run (ONCE=1: run once and exit)
	@$(BIN)/python -m examples.demo $(if $(ONCE),--once)

test: setup ## Run all tests (ARGS="-k words" adds options of pytest)
	$(BIN)/pytest -n $(WORKERS) $(AGAIN) $(HYPOTHESIS) $(TESTS) $(ARGS) $(if $(ARGS),|| test $$? -eq 5)
	$(BIN)/pytest $(AGAIN) $(HYPOTHESIS) $(LONE_TESTS) $(ARGS) $(if $(ARGS),|| test $$? -eq 5)

test-programs: setup prefect ## Run the tests in a browser, with Prefect's client, before Prometheus, in other languages
	$(BIN)/pytest $(AGAIN) $(PROGRAM_TESTS) $(ARGS) $(if $(ARGS),|| test $$? -eq 5)

fuzz: setup ## Send what nobody expects to every route of a server for MINUTES=10
	PYTHONPATH=tests $(BIN)/python -m benchmarks.fuzzing --minutes $(or $(MINUTES),10)

floor: $(FLOOR_READY) ## Run the unit tests with the oldest versions that pyproject.toml allows
	.venv-floor/bin/pytest -n $(WORKERS) tests/unit $(ARGS)

$(FLOOR_READY): requirements/floor.lock pyproject.toml | $(READY)
	@$(BIN)/uv venv --quiet --clear --no-python-downloads --python '>=3.11,<3.13' .venv-floor
	@$(BIN)/uv pip sync --quiet --require-hashes --python .venv-floor/bin/python $<
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python .venv-floor/bin/python --editable .
	@touch $@

check: setup lint types imports layout security contracts protos-check clients-check ui-check ## Run every check: style, types, import rules, layout, contracts, generated code
	@echo "check: all green"

lint: $(READY) ## Check style and format of the Python code
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(READY) ## Check types (strict)
	$(BIN)/mypy $(SOURCES)

security: $(READY) ## Look for what is risky in the code
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml sdk services gateway/headrace_gateway gateway/headrace_prefect migrations

audit: $(READY) ## Look the locked packages up in the database of known vulnerabilities, which is on the network
	@$(BIN)/python tools/audit.py

imports: $(READY) ## Check who may import whom
	$(BIN)/lint-imports --no-cache

layout: $(READY) ## Check what is said of the repository itself: names, sizes, listings
	$(BIN)/pytest -q tests/unit/repository

contracts: $(READY) ## Check style, format and compatibility of protos/
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code --path protos/headrace
	@$(BIN)/python tools/breaking.py

protos: $(PROTOS_READY) ## Generate code, descriptors, types of the UI and Envoy's configuration from protos/ (CHECK=1: only compare)
	@.venv-protos/bin/python tools/protos.py $(if $(CHECK),--check)
	@$(BIN)/python tools/ui_types.py $(if $(CHECK),--check)
	@$(BIN)/python -m tools.envoy $(if $(CHECK),--check)
	@$(BIN)/python -m tools.permissions $(if $(CHECK),--check)

schema: $(READY) ## Write down what a new database begins with, from the migrations
	@$(BIN)/python -m tools.fresh_schema

clients: $(PROTOS_READY) ## Generate and build the clients in Go, TypeScript and Java, as far as their tools are here
	@.venv-protos/bin/python -m tools.clients --build

clients-check: $(PROTOS_READY) ## Fail where the generated client in Go is not what protos/ says
	@.venv-protos/bin/python -m tools.clients --check

programs: ## Install what some tests drive (chromium, slapd, prometheus), on Debian and as root
	@$(PYTHON) tools/programs.py

prefect: $(PREFECT_READY) $(OLDEST_PREFECT_READY) $(NEWEST_PREFECT_READY) ## Build .venv-prefect, -oldest and -newest: Prefect's own client and server, which the tests of its API drive

$(PREFECT_READY): requirements/prefect.lock | $(READY)
	@$(BIN)/uv venv --quiet --clear --no-python-downloads --python '>=3.11,<3.14' .venv-prefect
	@$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python .venv-prefect/bin/python $<
	@touch $@

$(OLDEST_PREFECT_READY): requirements/prefect-oldest.lock | $(READY)
	@$(BIN)/uv venv --quiet --clear --no-python-downloads --python '>=3.11,<3.13' .venv-prefect-oldest
	@$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python .venv-prefect-oldest/bin/python $<
	@touch $@

$(NEWEST_PREFECT_READY): requirements/prefect-newest.lock | $(READY)
	@$(BIN)/uv venv --quiet --clear --no-python-downloads --python '>=3.11,<3.14' .venv-prefect-newest
	@$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python .venv-prefect-newest/bin/python $<
	@touch $@

protos-check: ## Fail where the generated code is not what protos/ says
	@$(MAKE) protos CHECK=1

# The pinned generator exists for Python 3.11 to 3.13.
$(PROTOS_READY): requirements/protos.lock | $(READY)
	@$(BIN)/uv venv --quiet --clear --no-python-downloads --python '>=3.11,<3.14' .venv-protos
	@$(BIN)/uv pip sync --quiet --require-hashes --python .venv-protos/bin/python $<
	@touch $@

lock: $(READY) ## Make the lock files anew from pyproject.toml (UPGRADE=1: with the newest versions)
	@bash tools/lock.sh $(if $(UPGRADE),--upgrade)

docs: $(READY) ## Build the documentation as a site, with its reference, into build/docs; broken links end it
	@$(BIN)/python -m tools.site

bench: setup ## Measure the lines of the budget, with the machine and the commit in the results
	PYTHONPATH=tests $(BIN)/python -m benchmarks $(ARGS)

up: setup ## Run the distributed topology: each part of the server a process of its own (ARGS="--port 4300")
	@$(BIN)/python -m tools.up $(ARGS)

clean: ## Remove what the targets made, except the environments
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
