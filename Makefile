# Each target does the setup that it needs, once: uv creates .venv from a lock file. A second call
# reuses it. Required: Python 3.11, or 3.11 to 3.13 where glibc is 2.38 or newer, with venv, pip and
# headers, and a C++ compiler.
#
# Setup compiles byte code: without it the first start would take ten seconds more, and so would
# every start where PYTHONDONTWRITEBYTECODE is set.

# If empty, requirements/choose.sh takes the first Python on PATH that has a lock file here.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

WORK := work/demo
# Many tests wait for child processes: one worker more than there are cores keeps all cores busy.
WORKERS = $(shell expr $$(nproc) + 1)
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

UV = VIRTUAL_ENV=$(VENV) $(BIN)/uv

.PHONY: help
help:  ## list the targets of this file
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: run
run: $(READY)  ## draw demo faces, train on them, check the model, publish it
	$(BIN)/customer-age demo-data $(WORK)/photos
	$(BIN)/customer-age run --config demo --data $(WORK)/photos --work-dir $(WORK)

.PHONY: test
test: $(READY) lint  ## every check and every test
	$(PYTEST) -m "not cluster"

.PHONY: test-line
test-line: $(READY)  ## the tests that depend on the TFX line, for the second one
	$(PYTEST) -m "not cluster and not one_line"

.PHONY: test-cluster
test-cluster: $(READY)  ## tests with a real API server, Argo's controller and the image; needs Go and root
	@tests/kubeflow/cluster/programs/build.sh --check
	@echo "test-cluster: the first run builds the programs and the image, which takes some ten minutes"
	$(PYTEST) -m cluster

.PHONY: test-debian13
test-debian13: $(READY)  ## `make test-line` on TFX 1.21 in a Debian 13 root, and models passed between both TFX lines; needs root
	tests/debian13/both_lines.sh $(BIN)/python

.PHONY: test-fast
test-fast: $(READY)  ## only the tests that run no pipeline
	$(BIN)/python -m pytest -m "not slow and not cluster"

.PHONY: lint
lint: $(READY)  ## style, types, spelling, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy -p customer_age
	$(BIN)/lint-imports --no-logo --no-cache

.PHONY: ui
ui: $(READY)  ## show the model registry of `make run` in a browser
	$(BIN)/mlflow ui --backend-store-uri sqlite:///$(abspath $(WORK))/registry/mlflow.db

.PHONY: pictures
pictures: $(READY)  ## README's pictures, from docs/pictures/run.txt and the last `make run`; needs Chromium
	$(BIN)/python docs/pictures/draw.py $(WORK)

.PHONY: setup
setup: $(READY)  ## only the setup

$(READY): requirements/*.txt requirements/choose.sh setup.py pyproject.toml
	@set -e; chosen=$$(requirements/choose.sh $(PYTHON)); lock=$${chosen#* }; \
	$${chosen%% *} -m venv --clear $(VENV) && \
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt && \
	$(UV) pip sync --quiet --compile-bytecode --require-hashes $$lock requirements/uv.txt && \
	$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: lock
lock: $(READY)  ## make the lock files again from the ranges in setup.py
	UV=$(abspath $(BIN)/uv) requirements/lock.sh

.PHONY: clean
clean:  ## remove everything that make created here
	rm -rf $(VENV) work build *.egg-info .mypy_cache .ruff_cache .pytest_cache
