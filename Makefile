# `make demo` and `make test` do all of their own set-up in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test slow lint types docs bench results clean

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	touch $@

demo: .venv/installed
	$(BIN)/python -m sdd fit --config configs/digits_mlp.yaml

test: .venv/installed
	$(BIN)/python -m pytest -n auto --dist worksteal

slow: .venv/installed
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed
	$(BIN)/mypy

docs: .venv/installed
	$(BIN)/mkdocs build --strict --quiet

bench: .venv/installed
	$(BIN)/python -m sdd bench

# What RESULTS.md is made of and what it costs; with FROM=docs/results/runs the page and its figures, written anew.
results: .venv/installed
	$(BIN)/python -m results $(if $(FROM),--from $(FROM))

clean:
	rm -rf .venv build
