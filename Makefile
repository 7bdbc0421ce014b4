# Everything works in .venv; only python3 (3.11 or later, with venv) and make are needed.
PYTHON ?= python3
BIN := .venv/bin
SHARED ?= ../shared

.DEFAULT_GOAL := help
.PHONY: help demo test test-engine fuzz check score bless format clean

help:  ## Say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

.venv/installed: pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or later is needed: make PYTHON=python3.11"'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: .venv/installed  ## Install into .venv and diagnose a sample log
	$(BIN)/bkdoctor log sample_logs/rootless/rootless-apparmor-denies-mount.log

test: .venv/installed-dev  ## Install and run the tests; what is skipped is named
	$(BIN)/python -m pytest -rs

test-engine: .venv/installed-dev  ## Run the part that needs a real engine, as root: tests/engine/README.md
	$(BIN)/python -m pytest -rs -m engine tests/engine

fuzz: .venv/installed-dev  ## Try properties on new examples, FUZZ (20) times as many as the tests do
	BKDOCTOR_FUZZ=$(or $(FUZZ),20) $(BIN)/python -m pytest -m hypothesis

check: .venv/installed-dev  ## Lint, types, the catalogue's own checks, generated files current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bkdoctor patterns check
	$(BIN)/python tests/bless.py --check

score: .venv/installed  ## Print the accuracy on labelled logs; OPTIONS are passed on
	@if [ -f $(SHARED)/score.py ]; then \
	  for labels in lab/labels.jsonl corpus/public.jsonl; do \
	    printf '%s: ' $$labels; \
	    $(BIN)/python $(SHARED)/score.py $(SHARED)/$$labels --bkdoctor $(BIN)/bkdoctor $(OPTIONS) || exit 1; \
	  done; \
	else echo 'make score: there are no labelled logs here ($(SHARED) is missing): nothing is measured.'; fi

bless: .venv/installed-dev  ## Write all generated files: schema, indexes, golden notes, the picture
	$(BIN)/python tests/bless.py

format: .venv/installed-dev  ## Format the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove the environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
