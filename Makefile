# make demo: the whole story on this machine, without a cloud account.  make test: everything that CI checks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KUBEBUILDER_ASSETS ?= $(or $(wildcard $(HOME)/.cache/mlops-iac/kubebuilder/bin),)
export KUBEBUILDER_ASSETS

# This repository previews changes of its example and has no account to deploy to.
DELIVERY := +delivery.deploy=false '+delivery.install=[-c,constraints.txt,-e,".[pulumi]"]'

.PHONY: help demo test check parity bench schemas golden clean
.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/.local: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local,pulumi,dev]'
	touch $@ $(VENV)/.local

demo: $(VENV)/.local ## Preview, apply, change, drift and destroy examples/fraud-detection on this machine
	PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/fraud-detection/demo.sh

test: check ## Lint, types, import rules and every test
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.dev ## Lint, types and import rules only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mlops-iac schema --check schemas
	$(BIN)/mlops-iac delivery -C examples/fraud-detection $(DELIVERY) --check

parity: $(VENV)/.dev ## Compare 200 generated programs and 50 of several layers, 5 edits each, with the pulumi CLI on PATH
	$(BIN)/python -m tests.engines.parity

bench: $(VENV)/.dev ## Measure beside terraform and pulumi where they are on PATH
	$(BIN)/python -m benchmarks

schemas: $(VENV)/.dev ## Write schemas/ and the workflow of the example again
	$(BIN)/mlops-iac schema --write schemas
	$(BIN)/mlops-iac delivery -C examples/fraud-detection $(DELIVERY)

golden: $(VENV)/.dev ## Record the golden files again; read the diff before you commit it
	$(BIN)/python -m pytest -n 2 --dist loadfile --update-golden

clean: ## Remove the virtual environment, caches and the demo's folder
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
