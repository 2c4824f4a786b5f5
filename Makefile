# `make` alone prints this list. Everything runs in .venv, which any target bootstraps by itself.

PYTHON := $(firstword $(foreach name,python3.12 python3.11 python3,$(if $(shell $(name) -c 'import sys; print((3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null | grep True),$(name))))
BIN := .venv/bin
UV_VERSION := 0.13.9
READY := .venv/.ready
# what is imported is compiled once and kept: a process then starts in a third of the time
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak fuzz mutants check format bench capacity simulate docs migration schemas lock clean

help: ## print this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

setup: $(READY) ## make .venv with everything the product and its tests need

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Tallywire needs Python 3.11 or 3.12 with venv; none was found" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet uv==$(UV_VERSION)
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY) ## rate real formats and a million events end to end; every fault by name and money at the end
	@$(BIN)/tallywire demo --out demo/out

test: $(READY) ## run every test that this machine can run
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 25

soak: $(READY) ## kill workers, broker and store hundreds of times (needs Java 17): make soak SOAK="--cycles 500 --seed 7"
	@nice $(BIN)/python -m tests.soak $(SOAK)

fuzz: $(READY) ## give every decoder a million inputs of a fuzzer (hours): make fuzz FUZZ="--inputs 20000 --target ber"
	@nice $(BIN)/python -m tests.fuzz $(FUZZ)

mutants: $(READY) ## change the rules of rating in every small way: how many changes do tests notice
	@PATH=$(CURDIR)/$(BIN):$$PATH nice $(BIN)/mutmut run --max-children 2
	@$(BIN)/mutmut export-cicd-stats && cat mutants/mutmut-cicd-stats.json

check: $(READY) ## style, types, layers, house rules
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q tests/house

format: $(READY) ## format the code
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

bench: $(READY) ## measure speed and memory, each stage beside its floor
	@$(BIN)/python -m benchmarks

docs: $(READY) ## draw the flows into docs/reference/flows.md, and the dashboard of Grafana
	@$(BIN)/python -m dataflows.drawn
	@$(BIN)/python ops/grafana/dashboard.py

simulate: $(READY) ## faults of known extent through the real product, scored: make simulate SEED="7 8" PARAMS=mine.toml
	@nice $(BIN)/python -m benchmarks.scoring --seeds $(or $(SEED),7) $(if $(PARAMS),--params $(PARAMS))

capacity: $(READY) ## how many processes and shards a rate of events needs, and what breaks first
	@$(BIN)/python -m benchmarks.lanes

schemas: $(READY) ## write the records as JSON Schema
	@$(BIN)/python -m schemas.json_schema

migration: $(READY) ## write the next migration from the difference between schemas and store
	@$(BIN)/python -m warehouse.new_migration

lock: ## resolve the dependencies anew: of everything, of what runs, of what builds
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--all-extras --group test --group lint --group bench --group fuzz --group build pyproject.toml --output-file requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--extra alerts --extra embedded --extra files --extra mqtt --extra registry --constraint requirements.lock \
		pyproject.toml --output-file requirements-run.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--group pyproject.toml:build --constraint requirements.lock --output-file requirements-build.lock

clean: ## remove what the tools made, never a home folder
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis demo/out benchmarks/out mutants tests/fuzz/out
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
