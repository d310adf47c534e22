# `make demo` and `make test` work as the very first command in a fresh clone: each makes the
# virtual environment .venv and installs what it needs, at the versions in constraints/.
PYTHON ?= python3
BACKEND ?= tf-cpu
VENV := .venv
RUN := $(VENV)/bin/python
PY_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
CONSTRAINTS := constraints/py$(PY_VERSION).txt
PIP := $(VENV)/bin/pip install --quiet --no-compile --disable-pip-version-check
# What `make demo` and `make test` need first; the tests of these very rules set it to nothing.
INSTALLED := $(VENV)/installed
INSTALLED_DEV := $(VENV)/installed-dev

DEMO := runs/demo
DEMO_FLAGS := --preset=fast
GUE := examples/data/gue_tf0

.PHONY: help demo test test-all test-beam test-tpu smoke lint format bench bench-peers clean

help:
	@echo 'make demo      install, build a dataset, train on it, print its scores (minutes)'
	@echo 'make test      install and run the tests (about 11 minutes on 2 cores)'
	@echo 'make test-all  the tests that take longer as well'
	@echo 'make test-beam install Apache Beam apart, and run the tests that need it (4 minutes)'
	@echo 'make test-tpu  install libtpu apart, and compile the steps of all models for a TPU'
	@echo 'make smoke     build records and train every tiny preset (under 2 minutes)'
	@echo 'make lint      check the style; `make format` mends what can be mended'
	@echo 'make bench     the benchmarks, results as JSON in benchmarks/results/'

$(CONSTRAINTS):
	@echo "error: Python $(PY_VERSION) is not supported (there is no $@);" \
	  "give another one, for example: make demo PYTHON=python3.11" >&2; exit 2

$(VENV)/installed: setup.py $(CONSTRAINTS)
	@echo 'Making the virtual environment $(VENV) and installing genokeras into it ...'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --constraint $(CONSTRAINTS) --editable '.[$(BACKEND),plot,prep]'
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --constraint $(CONSTRAINTS) --editable '.[dev]'
	@touch $@

demo: $(INSTALLED)
	@$(RUN) -m launch.build_dataset --source=csv --train=$(GUE)/train.csv.gz \
	  --valid=$(GUE)/dev.csv.gz --test=$(GUE)/test.csv.gz --data_dir=$(DEMO)/data --name=tf0
	@echo 'The demo trains the preset fast; that without --preset, base, takes some minutes.'
	@$(RUN) -m launch.train --data_dir=$(DEMO)/data --workdir=$(DEMO)/run $(DEMO_FLAGS) \
	  --evaluate=test
	@echo
	@echo 'All of it on one page:  $(DEMO)/run/report.html'
	@echo 'Learning curves:  $(VENV)/bin/tensorboard --logdir $(DEMO)/run'
	@echo 'For your own commands:  source $(VENV)/bin/activate'

test: $(INSTALLED_DEV)
	$(RUN) -m pytest -n auto --dist worksteal -m 'not slow and not beam'

test-all: $(INSTALLED_DEV)
	$(RUN) -m pytest -m 'not beam'

# Apache Beam wants other versions of some packages than the rest, so it is in an environment apart.
BEAM := $(VENV)/beam
BEAM_CONSTRAINTS := constraints/beam-py$(PY_VERSION).txt
test-beam: $(BEAM)/installed
	$(BEAM)/bin/python -m pytest -m beam tests/data_prep/test_beam_runner.py

$(BEAM)/installed: setup.py $(BEAM_CONSTRAINTS)
	$(PYTHON) -m venv $(BEAM)
	$(BEAM)/bin/pip install --quiet --no-compile --disable-pip-version-check \
	  --constraint $(BEAM_CONSTRAINTS) --editable '.[beam,prep]' pytest pytest-timeout
	@touch $@

# Programs for a TPU that is not there; libtpu is in an environment apart, as it is large.
TPU := $(VENV)/tpu
test-tpu: $(TPU)/installed
	KERAS_BACKEND=jax $(TPU)/bin/python -m pytest -s tests/genokeras/training/test_tpu_programs.py

$(TPU)/installed: setup.py $(CONSTRAINTS)
	$(PYTHON) -m venv $(TPU)
	$(TPU)/bin/pip install --quiet --no-compile --disable-pip-version-check \
	  --constraint $(CONSTRAINTS) --editable '.[jax-tpu]' pytest pytest-timeout
	@touch $@

smoke: $(INSTALLED_DEV)
	$(RUN) -m pytest -q tests/test_whole_path.py

lint: $(INSTALLED_DEV)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

format: $(INSTALLED_DEV)
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

# One of them alone: make bench BENCHMARKS=throughput
BENCHMARKS := records build bigwig long_windows genome_windows predict engine replicas \
  self_supervised throughput notebook speed_table
bench: $(INSTALLED_DEV) bench-peers
	KERAS_BACKEND=jax $(RUN) benchmarks/jax_engine.py
	for name in $(BENCHMARKS); do $(RUN) benchmarks/$$name.py || exit 1; done

# What training speed is compared with, each in an environment of its own.
PEERS := $(VENV)/peers
bench-peers: $(PEERS)/torch/installed $(PEERS)/flax/installed

$(PEERS)/%/installed: benchmarks/peers/requirements-%.txt
	$(PYTHON) -m venv $(PEERS)/$*
	$(PEERS)/$*/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

clean:
	rm -rf $(VENV) runs build dist *.egg-info
