# The two commands of the README: each makes its own environment, from a fresh clone with nothing but Python and make.
PYTHON ?= python3
BIN := .venv/bin

demo: .venv/installed
	$(BIN)/genaug demo --out runs/demo

test: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch .venv/installed

.PHONY: demo test check
