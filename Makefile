# `make` prints this list. PYTHON picks the interpreter of the environment (3.10 to 3.12).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SAMPLE ?= ../shared/data
OUTPUT ?= out
YEARS  ?= 2019-2022
DELIVERED_UNTIL ?= $(lastword $(subst -, ,$(YEARS)))-12-31
WORKERS ?= 2
PARALLEL := -n $(WORKERS) --dist loadgroup
PACKAGE := dist/lbz_indicators.zip

.DEFAULT_GOAL := help
.PHONY: help env run run-sample demo-truth test test-long test-story test-faults cluster-test lint doctor package bench bench-national docs clean

help: ## print the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(VENV)/.installed: setup.py
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10, 3.11 or 3.12 is needed, found %d.%d: make run PYTHON=python3.11" % sys.version_info[:2] if not (3, 10) <= sys.version_info[:2] <= (3, 12) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --editable '.[test,lint]'
	@touch $@

env: $(VENV)/.installed ## make the environment in .venv

run: env ## generate a small nation, run the main job on it, print its indicators
	@test -d $(OUTPUT)/nation/truth/codes || $(BIN)/lbz-indicators generate --output $(OUTPUT)/nation --years $(YEARS)
	$(BIN)/lbz-indicators run --input $(OUTPUT)/nation/delivery --output $(OUTPUT)/tables --years $(YEARS) --delivered-until $(DELIVERED_UNTIL)

run-sample: ## run the main job on the real sample (SAMPLE=FOLDER) instead
	@test -f "$(SAMPLE)/sih_rs_2019.csv.gz" || { echo "The real sample is not there: $(SAMPLE)/sih_rs_2019.csv.gz. Name its folder: make run-sample SAMPLE=FOLDER. \`make run\` needs none."; exit 3; }
	@$(MAKE) --no-print-directory env
	$(BIN)/lbz-indicators run --config conf/sample.yml --input "$(SAMPLE)" --output $(OUTPUT)/sample

demo-truth: run ## what was planted in the generated nation, and what the figures say of it
	$(BIN)/python tests/recovery/scorecard.py --nation $(OUTPUT)/nation --tables $(OUTPUT)/tables --years $(YEARS)

test: env ## unit, Spark, golden and integration tests
	$(BIN)/python -m pytest -q tests $(PARALLEL)

test-long: env ## the longer proofs: the real sample, publications, coverage of limits, planted effects, spark-submit
	$(BIN)/python -m pytest -q tests --long -m long $(PARALLEL)

test-story: env ## before a release (hours): known coefficients come back, three nights, three years, a death after every commit
	$(BIN)/python -m pytest -q tests --story -m story

test-faults: env ## kill, fill the disk, change files under way: nothing lost, nothing counted twice (as root; with cluster-test)
	$(BIN)/python -m pytest -q tests/faults tests/cluster --faults -m faults $(PARALLEL)

cluster-test: env ## the jobs by spark-submit on a master and two workers on this machine: the tables of local mode
	$(BIN)/python -m pytest -q tests/cluster --faults

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

bench: env ## time and memory on the real sample and on a whole nation, with R, statsmodels and glum beside it
	$(BIN)/python benchmarks/sample.py --input "$(SAMPLE)"
	$(MAKE) --no-print-directory bench-national SIZE=1880000 NAME=six-million PEERS=--peers

SIZE   ?= 470000
NAME   ?= nation
PEERS  ?=
bench-national: env ## one size: SIZE records a year, NAME of the result, PEERS=--peers
	$(BIN)/lbz-indicators generate --output $(OUTPUT)/bench/$(NAME) --hospitals 75 --admissions-per-year $(SIZE) --format parquet
	$(BIN)/python benchmarks/national.py --delivery $(OUTPUT)/bench/$(NAME)/delivery --name $(NAME) $(PEERS)
	rm -rf $(OUTPUT)/bench/$(NAME)

docs: env ## write docs/data-dictionary.md from the schemas
	$(BIN)/python -m lbz_indicators.schemas.dictionary > docs/data-dictionary.md

clean: ## remove results and build files, not the environment
	rm -rf $(OUTPUT) build dist spark-warehouse
