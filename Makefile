# Everything starts here. The first call makes .venv; it is installed again only when pyproject.toml changes.

# The first Python that is new enough and can make virtual environments.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help up test bench check format reliability migration clean

help: ## Shows this list.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

up: $(VENV)/.installed ## Starts the server on 127.0.0.1:8000, with its own database.
	@exec $(BIN)/rocket up $(ARGS)

test: $(VENV)/.installed-dev ## Runs every test that this machine can run; ends with a summary.
	@$(BIN)/python scripts/test.py $(SUITES)

check: $(VENV)/.installed-dev ## Style, types and who may import whom; takes seconds.
	@$(BIN)/python scripts/test.py lint

format: $(VENV)/.installed-dev ## Formats the code.
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

bench: $(VENV)/.installed-dev ## Runs the benchmarks, or one of them: make bench NAME=p1
	@exec $(BIN)/rocket bench $(NAME)

reliability: $(VENV)/.installed-dev ## The long form of the reliability tests: 50 kills instead of 8.
	@ROCKET_TEST_KILLS=50 ROCKET_TEST_EXAMPLES=1000 $(BIN)/python -m pytest -m reliability -v tests

migration: $(VENV)/.installed-dev ## Makes the files of a new migration: make migration NAME=add_streaks
	@$(BIN)/python scripts/new_migration.py $(NAME)

clean: ## Removes what was installed and cached; data stays.
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { \
		echo "Rocket needs Python 3.11 or newer with venv."; \
		echo "On Debian and Ubuntu: apt-get install python3 python3-venv"; exit 1; }
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing; this needs the network, once"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "Installing, with what the tests need; this needs the network, once"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed
