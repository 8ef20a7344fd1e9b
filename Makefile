# What a clone can do; `make` alone lists it. Needs Python 3.11+, Java 17+ and make.

# Once there is an environment, its Python stays until another is named.
PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
TORCH ?=
FROM ?=
TO ?=
KEEP ?=
UPGRADE ?=
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAGES := deskwheel ingest transforms validate train deploy
CODE := $(STAGES) tests benchmarks infra/setup

.DEFAULT_GOAL := help
.PHONY: help setup bundle demo test test-all check lint format bench peers lock clean

help:  ## list what can be made
	@awk -F ':.*##' '/^[a-z-]+:.*##/ {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  Variables: PYTHON=/path/to/python3  TORCH=locked|cpu|cuda|auto  FROM=DIR (no network)"

setup:  ## install everything into .venv (TORCH=, FROM=DIR); seconds when nothing changed
	@$(PYTHON) infra/setup/bootstrap.py --torch "$(TORCH)" --from "$(FROM)"

bundle: setup  ## collect in TO=DIR what `make setup FROM=DIR` needs on a machine without network
	@$(BIN)/python infra/setup/bundle.py "$(TO)" --torch "$(TORCH)"

demo: setup  ## the whole loop on this machine: stream, clean, train, evaluate, A/B test (KEEP=1)
	@$(BIN)/deskwheel demo $(if $(KEEP),--keep) $(ARGS)

test: setup  ## the tests, the flow included, without the slow ones
	@$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-all: setup  ## every test
	@$(BIN)/python -m pytest $(ARGS)

check: setup  ## the gate: style, types, import law, quick tests with coverage
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -m "not slow and not kafka" --cov --cov-report=term $(ARGS)

lint: setup  ## style and types only
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/mypy

format: setup  ## put the code in the house style
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

bench: setup  ## measure every published claim again
	@$(BIN)/python -m benchmarks $(ARGS)

peers: setup  ## install what the benchmarks compare with into .venv-peers
	@$(BIN)/python infra/setup/peers.py

lock: setup  ## write requirements/ anew from pyproject.toml (UPGRADE=1 takes newer versions)
	@$(BIN)/python infra/setup/lock.py $(if $(UPGRADE),--upgrade)

clean:  ## remove what can be made again, except .venv
	@rm -rf .deskwheel .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage build dist *.egg-info
	@find $(STAGES) tests benchmarks infra -name __pycache__ -type d -prune -exec rm -rf {} +
