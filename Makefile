# Two commands do everything on a fresh machine with Python 3.11: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
JUDGES := .venv-judges
BIN := $(VENV)/bin

.PHONY: help demo test lint types check docs seed bench clean

help:
	@echo "make demo   set up, and run a real migration in the sandbox, start to finish"
	@echo "make test   set up, and run every check and every test"
	@echo "make docs   write the generated reference pages anew"
	@echo "make bench  measure against peers (tests/bench/)"
	@echo "make clean  remove what the others made"

# The runtime environment: imgmove, what `imgmove check` reads images with, and nothing that only tests need.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "imgmove needs Python 3.11 or newer; say PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[check]'
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

# The vendors' own command lines judge the sandbox. They pin other versions of the SDKs: an environment of their own.
$(JUDGES)/.installed: tests/judges.txt
	@test -x $(JUDGES)/bin/python || $(PYTHON) -m venv $(JUDGES)
	@$(JUDGES)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/judges.txt
	@touch $@

demo: $(VENV)/.installed
	@$(BIN)/python examples/demo.py

test: $(VENV)/.tested $(JUDGES)/.installed
	@.ci/debian-packages
	@IMGMOVE_JUDGES_BIN=$(CURDIR)/$(JUDGES)/bin $(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/.tested
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.tested
	@$(BIN)/mypy

check: lint types test

docs: $(VENV)/.installed
	@$(BIN)/python scripts/write_reference.py

seed:
	@$(BIN)/python scripts/build_seed_disk.py

bench: $(VENV)/.tested
	@$(BIN)/python -m tests.bench

clean:
	@rm -rf $(VENV) $(JUDGES) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
