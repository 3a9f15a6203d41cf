# The three commands of a newcomer: make run, make test, make benchmark. Needs Python >= 3.11 and Node >= 20, no root.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PAGE_SOURCES := $(shell find frontend \( -name node_modules -o -name tests \) -prune -o -type f -print)

.PHONY: run test faults benchmark prerequisites
.DELETE_ON_ERROR:

# `exec`: Ctrl-C and the exit code go straight to and from the service.
run: $(VENV)/.installed-to-run app/page/index.html
	@exec $(BIN)/cosia up

test: $(VENV)/.installed-to-test app/page/index.html tests/production/node_modules/.package-lock.json
	@echo "== style and types";    $(BIN)/ruff check . && $(BIN)/ruff format --check --quiet . && $(BIN)/mypy
	@echo "== import rules";       $(BIN)/lint-imports --no-logo
	@echo "== page";               cd frontend && npm run --silent check && npm run --silent test && npm run --silent budget
	@echo "== service and worker"; $(BIN)/python -m pytest -m "not thorough"

# Every fault that must lose nothing; `make test` runs those of them that stand for the others.
faults: $(VENV)/.installed-to-test
	@$(BIN)/python -m pytest tests/faults

benchmark: $(VENV)/.installed-to-test
	@echo "== the peers to compare with"; benchmarks/install-peers
	@$(BIN)/python -m benchmarks

# --- The environment: stamps make a second start take seconds.

$(VENV)/.installed-to-run: pyproject.toml constraints.txt | prerequisites $(BIN)/python
	@echo "== installing the Python packages in $(VENV) (once; some minutes without a package cache)"
	@setup/install $(BIN)/python worker
	@touch $@

$(VENV)/.installed-to-test: $(VENV)/.installed-to-run
	@echo "== installing the packages of the tests"
	@setup/install $(BIN)/python worker,test
	@touch $@

$(BIN)/python: | prerequisites
	@python=$$(setup/find-python) && "$$python" -m venv $(VENV)

app/page/index.html: frontend/node_modules/.package-lock.json $(PAGE_SOURCES)
	@echo "== building the page"
	@cd frontend && npm run --silent build -- --logLevel warn
	@touch $@

%/node_modules/.package-lock.json: %/package.json %/package-lock.json | prerequisites
	@echo "== installing the Node packages of $*"
	@cd $* && npm ci --loglevel error
	@touch $@

prerequisites:
	@setup/find-python >/dev/null
	@setup/check-node
