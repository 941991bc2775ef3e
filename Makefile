# Each verb does the set-up it needs, once: .venv from a lock file, by uv.
# A second call finds it done. Only Python 3.11 with venv and pip has to be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

WORK := work/demo
UV = VIRTUAL_ENV=$(VENV) $(BIN)/uv

.PHONY: help
help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: run
run: $(READY)  ## draw demo faces, train on them, publish the model
	$(BIN)/customer-age demo-data $(WORK)/photos
	$(BIN)/customer-age run --config demo --data $(WORK)/photos --work-dir $(WORK)

.PHONY: test
test: $(READY) lint  ## every check and every test
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: test-fast
test-fast: $(READY)  ## the tests that run no pipeline
	$(BIN)/python -m pytest -m "not slow"

.PHONY: lint
lint: $(READY)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=$(VENV)/rooms $(BIN)/mypy -p customer_age

.PHONY: ui
ui: $(READY)  ## the model registry of `make run` in a browser
	$(BIN)/mlflow ui --backend-store-uri sqlite:///$(abspath $(WORK))/registry/mlflow.db

.PHONY: setup
setup: $(READY)  ## only the set-up

$(READY): requirements/*.txt requirements/choose.sh setup.py pyproject.toml
	@lock=$$(requirements/choose.sh $(PYTHON)) && \
	$(PYTHON) -m venv $(VENV) && \
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt && \
	$(UV) pip sync --quiet --require-hashes $$lock requirements/uv.txt && \
	$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@# mypy does not follow editable installs: this shows it the rooms under their import names.
	@mkdir -p $(VENV)/rooms/customer_age
	@for room in schema components pipeline kubeflow; do \
	    ln -sfn ../../../$$room $(VENV)/rooms/customer_age/$$room; done
	@touch $@

.PHONY: lock
lock: $(READY)  ## make the lock files anew, from setup.py's ranges
	echo uv | $(UV) pip compile --quiet --upgrade --generate-hashes --no-annotate \
	    --custom-compile-command "make lock" -o requirements/uv.txt -
	$(UV) pip compile --quiet --upgrade --generate-hashes --no-annotate \
	    --custom-compile-command "make lock" --python-version 3.11 \
	    --extra dev --extra kubeflow --extra vertex --extra kubeflow-registry --extra gcs --extra s3 \
	    --extra postgres \
	    --constraint requirements/tfx-1.16.constraints \
	    -o requirements/tfx-1.16-py311.txt setup.py

.PHONY: clean
clean:  ## remove what was made here
	rm -rf $(VENV) work build *.egg-info .mypy_cache .ruff_cache .pytest_cache
