# What a developer types; `make` alone lists it. Needs Python 3.11 or newer, and nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

# Checks see the project as a machine with nothing set: no .env, no variables, a data directory of their own.
NOTHING_SET := env -i PATH="$$PATH" HOME="$$HOME" LANG=C.UTF-8 ENV_FILE=/dev/null DATA_DIR="$(abspath $(VENV))/data"

SCRIPTS := */static/*/*.js templates/sw.js

.DEFAULT_GOAL := help
.PHONY: help demo test flaky campaign days fuzz lint format bench mutants clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## Start the whole product with a demo ERP
	@$(BIN)/python manage.py demo $(ARGS)

test: $(READY) ## Run the tests, on SQLite and (where it is installed) on PostgreSQL; LAYER=unit runs one layer
	@LAYER="$(LAYER)" DATABASES="$(DATABASES)" tests/on_each_database $(BIN)/pytest $(ARGS)

flaky: $(READY) ## Run the tests with processes and browsers 10 times on a busy machine, and count failures
	@LAYER="$(LAYER)" DATABASES="$(DATABASES)" ROUNDS="$(ROUNDS)" tests/flaky $(BIN)/pytest $(ARGS)

campaign: $(READY) ## Cause faults at random in the whole running product, and check it; MINUTES=10 SEED=7 DATABASES=SQLite
	@MINUTES="$(MINUTES)" SEED="$(SEED)" DATABASES="$(DATABASES)" tests/campaign/on_each_database $(BIN)/python

days: $(READY) ## Simulate days of syncs with the demo ERP, by a moved clock, and check them; DAYS=30 SEED=7 CLIENT=http
	@$(BIN)/python -m tests.days --days $(or $(DAYS),30) --seed $(or $(SEED),7) --client $(or $(CLIENT),browser)

fuzz: $(READY) ## Damage exports at random and read them: records or a named error, within bounds; MINUTES=15 SEED=7
	@$(NOTHING_SET) $(BIN)/python -m tests.hostile.fuzzing --minutes $(or $(MINUTES),15) --seed $(or $(SEED),7)

lint: $(READY) ## Check style, types, imports, migrations and production settings
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/oxfmt --list-different $(SCRIPTS)
	@$(NOTHING_SET) $(BIN)/mypy --no-error-summary .
	@$(BIN)/lint-imports --no-logo
	@$(NOTHING_SET) $(BIN)/python manage.py makemigrations --check --dry-run
	@$(NOTHING_SET) $(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(READY) ## Format the code and mend what can be mended
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format .
	@$(BIN)/oxfmt $(SCRIPTS)

bench: $(READY) ## Run the benchmarks, on SQLite; SMALL=1 for a tenth of the rounds and rows
	@set -e; for benchmark in benchmarks/[!_]*.py; do env -u DATABASE_URL PYTHONPATH=. SMALL="$(SMALL)" $(BIN)/python "$$benchmark"; done

mutants: $(READY) ## Break the product on purpose, in many places, and see whether the tests notice
	@env -u DATABASE_URL $(BIN)/python tests/mutations/run.py $(ARGS)

clean: ## Remove what make made; data in var/ stays
	@rm -rf $(VENV) build dist *.egg-info .*_cache .hypothesis

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed, and $(PYTHON) is not. Name one: make PYTHON=python3.12 ...' >&2; exit 1; }
	@echo 'Setting up $(VENV)...'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[dev]'
	@touch $@
