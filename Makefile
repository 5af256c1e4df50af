# Everything runs in an environment of its own, made on first use: only python3 (3.11 or later) is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FOLDERS := compiler dialects passes backends tests examples benchmarks tools
SOURCES = $(wildcard $(FOLDERS))

.DEFAULT_GOAL := help
.PHONY: help demo test check format typing build bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/images.stamp ## compile the bundled model, run it on a picture, show the levels, check every pass
	@$(BIN)/python examples/digits/demo.py
	$(BIN)/penstock compile examples/digits/digits.onnx -o build/digits.penstock
	$(BIN)/penstock run build/digits.penstock --input image=examples/digits/seven.png
	$(BIN)/penstock check examples/digits/digits.onnx

test: $(VENV)/test.stamp ## run the tests on all cores
	$(BIN)/pytest -n auto --dist=worksteal

check: $(VENV)/dev.stamp typing ## all that must hold: format, lint, types, layers, tests
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/pyright --pythonpath $(BIN)/python
	PYTHONPATH=.typing $(BIN)/lint-imports
	$(BIN)/pytest -n auto --dist=worksteal

format: $(VENV)/dev.stamp ## format the code and apply the safe fixes
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

typing: ## link tree for the type checkers (they do not follow import hooks)
	rm -rf .typing && mkdir -p .typing/penstock
	cd .typing/penstock && ln -s ../../compiler/* ../../dialects ../../passes ../../backends .

build: $(VENV)/dev.stamp ## wheel and source distribution into dist/
	rm -rf build dist
	$(BIN)/pip install --quiet build
	$(BIN)/python -m build

MODELS ?= examples/digits/digits.onnx
bench: $(VENV)/bench.stamp ## compare the speed with other engines
	$(BIN)/python -m benchmarks.run $(MODELS)

clean: ## remove all that make made
	rm -rf $(VENV) .typing build dist *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# One stamp per extra of pyproject.toml: .venv/test.stamp means that penstock[test] is installed.
$(VENV)/%.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[$*]'
	@touch $@
