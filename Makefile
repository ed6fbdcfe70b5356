# make setup   a virtual environment in .venv with everything that development needs
# make test    set up, then run all tests
# make lint    style and types
# make bench   speed and memory, as ratios to plain implementations run beside ours
# make bench-train   how well a network learns from scratch in eight minutes
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup test lint bench bench-train clean
setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, 13) or \
	  sys.exit(f"Python must be 3.10 to 3.13, got {v[0]}.{v[1]}: name another one, make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

test: setup
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered --cov-fail-under=90

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: setup
	$(BIN)/python benchmarks/postprocess.py

bench-train: setup
	$(BIN)/python benchmarks/train_shapes.py --minutes 8

clean:
	rm -rf $(VENV) build install log out *.egg-info
