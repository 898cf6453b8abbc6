# Every target sets up .venv when it is missing or older than what it is made from.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test lint bench ui
.DEFAULT_GOAL := run

run: $(INSTALLED)  ## train base and rank the runs; pass overrides as ARGS="-P split=small"
	MLFLOW_EXPERIMENT_NAME=cifake $(BIN)/mlflow run . -e base --env-manager local $(ARGS)
	$(BIN)/python compare.py --metric f1

test: $(INSTALLED)  ## all tests; the real data is used where CIFAKE_DATA names it
	$(BIN)/pytest -q --numprocesses 2 --dist worksteal $(ARGS)

lint: $(INSTALLED)  ## style, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(INSTALLED)  ## speed against references; needs CIFAKE_DATA and a quiet machine
	$(BIN)/python -m benchmarks.speed.decoding
	$(BIN)/python -m benchmarks.speed.training
	$(BIN)/python -m benchmarks.speed.variants
	$(BIN)/python -m benchmarks.speed.augmenting
	$(BIN)/python -m benchmarks.speed.features
	$(BIN)/python -m benchmarks.speed.precision
	$(BIN)/python -m benchmarks.speed.overhead
	$(BIN)/python -m benchmarks.speed.checkpoints
	$(BIN)/python -m benchmarks.speed.robustness
	$(BIN)/python -m benchmarks.speed.suite
	$(BIN)/python -m benchmarks.speed.memory
	$(BIN)/python -m benchmarks.reliability.chaos
	$(BIN)/python -m benchmarks.reliability.outage
	$(BIN)/python -m benchmarks.reliability.fuzz
	$(BIN)/python -m benchmarks.speed.cluster
	$(BIN)/python -m benchmarks.speed.predicting --memory
	$(BIN)/python -m benchmarks.speed.comparing
	$(BIN)/python -m benchmarks.speed.pairwise
	$(BIN)/python -m benchmarks.reliability.intervals
	$(BIN)/python -m benchmarks.reliability.together
	$(BIN)/python -m benchmarks.speed.explaining
	$(BIN)/python -m benchmarks.reliability.near_copies

ui: $(INSTALLED)  ## the MLflow UI on http://127.0.0.1:5000; prints where the runs of all variants are
	$(BIN)/python -m cifake.tracking.ui
	$(BIN)/mlflow ui --host 127.0.0.1

$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; assert (3, 11) <= v < (3, 14), "expected Python 3.11 to 3.13, found %d.%d; call make PYTHON=/path/to/python3.11" % v[:2]'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@
