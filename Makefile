# `make check` only reads, `make fix` writes, `make test` is what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo app test test-e2e test-research check fix setup golden bench bench-app evaluation screenshots examples clean
.DEFAULT_GOAL := demo

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Veriscope needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

demo: $(STAMP)
	@$(BIN)/python scripts/demo.py

app: $(STAMP)
	@$(BIN)/veriscope app

check: $(STAMP)
	$(BIN)/ruff format --check src tests scripts research
	$(BIN)/ruff check src tests scripts research
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/check_sizes.py

fix: $(STAMP)
	$(BIN)/ruff check --fix src tests scripts research
	$(BIN)/ruff format src tests scripts research

test: check
	$(BIN)/pytest --cov=veriscope --cov-report=term:skip-covered

# The whole recipe on generated data, in an environment of its own, because PyTorch is large.
RESEARCH := .venv-research
RESEARCH_STAMP := $(RESEARCH)/.installed

$(RESEARCH_STAMP): pyproject.toml
	$(PYTHON) -m venv $(RESEARCH)
	$(RESEARCH)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(RESEARCH)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[research]' --group dev
	@touch $@

test-research: $(RESEARCH_STAMP)
	$(RESEARCH)/bin/python -m pytest tests/research

# Everything in docs/evaluation.md again, from DATA (research.collect) and RUNS (trained weights); PEERS is optional.
evaluation: $(RESEARCH_STAMP)
	$(RESEARCH)/bin/python scripts/evaluation.py --data $(DATA) --runs $(RUNS) $(if $(PEERS),--peers $(PEERS))

# Drives the app in Chromium (Debian: apt-get install chromium); `make test` leaves these out.
test-e2e: $(STAMP)
	$(BIN)/pytest tests/e2e -m e2e

screenshots: $(STAMP)
	$(BIN)/python scripts/screenshots.py

examples: $(STAMP)
	$(BIN)/python scripts/make_examples.py

bench-app: $(STAMP)
	$(BIN)/python scripts/load_app.py

golden: $(STAMP)
	VERISCOPE_REGENERATE=1 $(BIN)/pytest tests/golden

bench: $(STAMP)
	$(BIN)/python scripts/bench.py

clean:
	rm -rf $(VENV) $(RESEARCH) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
