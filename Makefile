# `make help` lists what there is. PORT, CALLSHEET_HOME, DATABASE_URL and REDIS_URL are taken from the environment.

PYTHON ?= python3
PY := .venv/bin/python
# Each process has servers of its own; the tests of a file stay together.
PARALLEL ?= -n 4 --dist loadfile --no-loadscope-reorder
UNIQUE := app.py wsgi.py config.py config_values.py domain api portal jobs deploy dev

.DEFAULT_GOAL := help
.PHONY: help run test e2e torture scale scale-audit fuzz spectral openapi bench signatures lint duplicates format clean install install-dev python

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z0-9-]*:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The recipe is one plain command, so make starts it without a shell between: see deploy/launch.py.
run: install ## Start everything, with a demo studio in an empty database; Ctrl-C stops it
	@$(PY) -m deploy.launch

test: install-dev ## Run every test; arguments for pytest in ARGS
	@$(PY) -m pytest $(PARALLEL) $(ARGS)

e2e: install-dev ## Run the tests that start the real processes
	@$(PY) -m pytest -m e2e $(ARGS)

torture: install-dev ## Run the tests that take minutes: storms of calls while processes are killed
	@$(PY) -m pytest -m torture tests/torture $(ARGS)

scale: install-dev ## Page, filter and sort through 1,000,000 segments on PostgreSQL
	@$(PY) -m pytest -m scale tests/scale $(ARGS)

scale-audit: install-dev ## Query 10,000,000 audit entries on PostgreSQL
	@$(PY) -m pytest -m scale_audit tests/scale $(ARGS)

bench: install-dev ## Measure the figures of docs/architecture.md
	@$(PY) -m bench $(ARGS)

openapi: install-dev ## Write openapi.json, the committed API document, from the code
	@$(PY) -m api > openapi.json.new && mv openapi.json.new openapi.json

spectral: ## Lint openapi.json with OWASP's rules (needs node and npm)
	@npm ci --prefix tests/openapi --ignore-scripts --no-audit --no-fund --silent
	@tests/openapi/node_modules/.bin/spectral lint openapi.json --fail-severity hint

signatures: install-dev ## Check our signatures with the reference library for Node.js (needs node and npm)
	@npm ci --prefix tests/signing --ignore-scripts --no-audit --no-fund --silent
	@$(PY) -m pytest -m npm tests/signing $(ARGS)

fuzz: install-dev ## Call the running product with whatever openapi.json allows, and with what it does not
	@$(PY) -m tests.fuzz $(ARGS)

lint: install-dev duplicates ## Check style, types, direction of imports, duplicate code
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports

duplicates: install-dev ## Check that no logic is written twice
	@$(PY) -m pylint --disable=all --enable=duplicate-code $(wildcard $(UNIQUE))

format: install-dev ## Format the source and mend what ruff can mend
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

clean: ## Remove the virtual environment and every cache; data in CALLSHEET_HOME stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: python
	@$(PYTHON) -m deploy.install requirements.txt

install-dev: python
	@$(PYTHON) -m deploy.install requirements-dev.txt

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo 'Callsheet needs Python 3.11 or later, which "$(PYTHON)" is not; name another with PYTHON=/path/to/python3.' >&2; exit 1; }
