# `make check` only reads, `make fix` writes, `make test` is what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check fix setup golden bench bench-video clean
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

golden: $(STAMP)
	VERISCOPE_REGENERATE=1 $(BIN)/pytest tests/golden

bench: $(STAMP)
	$(BIN)/python scripts/bench.py

bench-video: $(STAMP)
	$(BIN)/python scripts/bench_video.py

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
