# Every task of this repository. `make help` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := /bin/bash

# The first Python that is new enough and actually starts.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
  if $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; \
  then echo $$name; break; fi; done)
BIN := .venv/bin
CACHE := .cache
JOBS ?= 2
SOURCES = $(shell git ls-files --cached --others --exclude-standard \
  bulk_lookup_dagster assets resources sensors bench tests dbt_project pyproject.toml)
TYPED := $(wildcard bulk_lookup_dagster assets resources sensors bench deploy tests)

# Nothing of ours reports anything to anybody.
export DAGSTER_DISABLE_TELEMETRY := yes
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false

.PHONY: help
help: ## List the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

# ---- Install -------------------------------------------------------------------------------

.venv/.runtime: requirements/runtime.lock pyproject.toml deploy/install.py
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed."; exit 1; }
	@test -e .venv/.dev && ! test requirements/dev.lock -nt .venv/.dev \
	  && ! test pyproject.toml -nt .venv/.dev || $(PYTHON) deploy/install.py runtime
	@touch $@

.venv/.dev: requirements/dev.lock pyproject.toml deploy/install.py
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed."; exit 1; }
	@$(PYTHON) deploy/install.py dev
	@touch .venv/.runtime $@

.PHONY: install
install: .venv/.dev ## Install everything for development into .venv

# ---- Run -----------------------------------------------------------------------------------

.PHONY: demo
demo: .venv/.runtime ## The whole platform on sample data: no keys, no database needed
	@BULK_LOOKUP_ENV=demo $(BIN)/bulk-lookup demo

.PHONY: up
up: .venv/.runtime ## Start database, Dagster and web app; Ctrl-C stops them
	@$(BIN)/bulk-lookup up

# ---- Check ---------------------------------------------------------------------------------

.PHONY: test
test: $(CACHE)/tests.ok ## All tests but the browser's, under coverage (not again if nothing changed)
	@echo "tests: green for exactly these sources"

# One run serves both `make test` and the coverage gate of `make check`.
$(CACHE)/tests.ok: .venv/.dev $(SOURCES)
	@mkdir -p $(CACHE) && rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest --ignore=tests/browser -q -n $(JOBS)
	@$(BIN)/coverage combine -q
	@touch $@

.PHONY: test-browser
test-browser: .venv/.dev ## Tests in a real headless Chromium
	$(BIN)/pytest tests/browser -q -n0

.PHONY: check
check: lint types imports secrets coverage ## Everything a change must pass

.PHONY: lint
lint: .venv/.dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: .venv/.dev ## mypy, strict
	$(BIN)/mypy $(TYPED)

.PHONY: imports
imports: .venv/.dev ## The import contracts of ARCHITECTURE's layout
	$(BIN)/lint-imports --no-cache

.PHONY: secrets
secrets: .venv/.dev ## No credential in any tracked file
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --no-verify \
	  $(addprefix --disable-plugin ,Base64HighEntropyString HexHighEntropyString IPPublicDetector) \
	  --exclude-files 'requirements/.*\.lock' --exclude-secrets '^(password|hidden.*|test.*|fake.*|sandbox.*|scram-sha-256|[A-Z]+(_[A-Z]+)+|.*-(word|secret))$$'

.PHONY: audit
audit: .venv/.dev ## Known vulnerabilities in the runtime dependencies, if the service can be reached
	@$(BIN)/python deploy/audit.py

.PHONY: coverage
coverage: $(CACHE)/tests.ok ## Branch coverage, at least 80 %
	$(BIN)/coverage report

.PHONY: format
format: .venv/.dev ## Put the code into shape
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format .

# ---- Measure -------------------------------------------------------------------------------

.PHONY: bench
bench: .venv/.dev ## Every benchmark, one JSON object each; COMPARE=1 holds them to bench/ratios.json
ifdef COMPARE
	@$(BIN)/python -m bench.compare
else
	@for name in engine limiter crash cap ingest marts delete export matching steps; do $(BIN)/python -m bench.$$name --json || exit 1; done
	@$(BIN)/python -m bench.engine --latency-ms 0 --json
endif

# ---- Generate ------------------------------------------------------------------------------

UV ?= $(shell command -v uv || echo $(BIN)/uv)
COMPILE = $(UV) pip compile pyproject.toml --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-header --no-strip-extras --quiet

.PHONY: lock
lock: ## Resolve the dependencies again
	$(COMPILE) --extra build -o requirements/runtime.lock
	$(COMPILE) --extra build --extra dev --extra s3 --extra splink -c requirements/runtime.lock -o requirements/dev.lock

.PHONY: generate
generate: .venv/.dev ## Rewrite the files that are generated from the code
	$(BIN)/python -m bulk_lookup_dagster.core.variables > .env.example
	$(BIN)/python -m bulk_lookup_dagster.core.state_machines > docs/state-machines.md
	$(BIN)/python -m bulk_lookup_dagster.services.provider_pages
	$(BIN)/python -m bulk_lookup_dagster.storage.migrations.freeze

.PHONY: screenshots
screenshots: .venv/.dev ## Take the README's pictures anew, in the system's Chromium
	$(BIN)/python -m deploy.screenshots

.PHONY: clean
clean: ## Remove caches; data in .bulk_lookup stay
	rm -rf $(CACHE) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache dbt_project/target
