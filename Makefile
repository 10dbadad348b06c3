# `make` prints this list. PYTHON picks the interpreter of the environment (3.10 to 3.12).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SAMPLE ?= ../shared/data
OUTPUT ?= out
PACKAGE := dist/lbz_indicators.zip

.DEFAULT_GOAL := help
.PHONY: help env run test test-long lint doctor package bench docs clean

help: ## print the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/.installed: setup.py
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10, 3.11 or 3.12 is needed, found %d.%d: make run PYTHON=python3.11" % sys.version_info[:2] if not (3, 10) <= sys.version_info[:2] <= (3, 12) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --editable '.[test,lint]'
	@touch $@

env: $(VENV)/.installed ## make the environment in .venv

run: env ## run the main job on the real sample and print its indicators
	@test -f $(SAMPLE)/sih_rs_2019.csv.gz || { echo "The real sample is not there: $(SAMPLE)/sih_rs_2019.csv.gz. Give its folder with make run SAMPLE=FOLDER, or run your own delivery: $(BIN)/lbz-indicators run --input FOLDER --output ROOT --years 2016-2019"; exit 3; }
	$(BIN)/lbz-indicators run --config conf/sample.yml --input $(SAMPLE) --output $(OUTPUT)

test: env ## unit, Spark, golden and integration tests (under 20 minutes on two cores)
	$(BIN)/python -m pytest -q tests

test-long: env ## the longer proofs: every engine and partitioning of the real sample, faults
	$(BIN)/python -m pytest -q tests --long -m long

lint: env ## ruff and mypy
	$(BIN)/ruff check lib jobs tests setup.py
	$(BIN)/ruff format --check lib jobs tests setup.py
	$(BIN)/mypy lib

doctor: env ## what this machine has and what a run needs
	$(BIN)/lbz-indicators doctor

package: env ## dist/lbz_indicators.zip for spark-submit --py-files
	@rm -rf dist build
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .
	cp dist/lbz_indicators-*.whl $(PACKAGE)
	@echo $(PACKAGE)

bench: env ## time and memory of a run on the real sample, to benchmarks/results
	$(BIN)/python benchmarks/sample.py --input $(SAMPLE)

docs: env ## write docs/data-dictionary.md from the schemas
	$(BIN)/python -m lbz_indicators.schemas.dictionary > docs/data-dictionary.md

clean: ## remove results and build files, not the environment
	rm -rf $(OUTPUT) build dist spark-warehouse
