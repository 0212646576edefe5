# `make demo`, and `make check` before `make test`. Each does all set-up itself.
VENV   := .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
RUNS   ?= runs

.PHONY: demo demo-watch demo-train evidence evidence-full lint check test nightly soak bench docs tools clean

demo: $(VENV)/demo.stamp tools
	$(BIN)/edge-dassdp demo digits --out $(RUNS)/digits

# The watch that moves to the other wrist, on the STM32F405 and in the micro:bit's 16 KB.
demo-watch: $(VENV)/demo.stamp tools
	$(BIN)/edge-dassdp demo watch --out $(RUNS)/watch
	$(BIN)/edge-dassdp demo watch --board microbit --out $(RUNS)/watch-microbit

# The same as demo, after training the network afresh with snnTorch and importing it from PyTorch.
demo-train: $(VENV)/test.stamp tools
	$(BIN)/python examples/train_digits.py --out $(RUNS)/trained
	$(BIN)/edge-dassdp demo digits --models $(RUNS)/trained --out $(RUNS)/digits-trained

# Three lanes: all that needs neither cross compiler nor QEMU (minutes), all of a change, and what is
# exhaustive (every scenario on every core, ten times the random examples, two million frames of a
# hostile host with the share of the link's lines that they reach, every count again: an hour).
# Two workers share two cores, so each takes one. Tests start the command thousands of times: what is
# compiled of it is kept, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE
check test nightly: export OMP_NUM_THREADS = 1
check: lint
	$(BIN)/pytest -n 2 -m "not cross"
test: lint tools
	$(BIN)/pytest -n 2
nightly: lint tools
	CI=true $(BIN)/pytest -n 2 --nightly

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini

# Every learning rule, and what stands around one, beside its baselines. A part of it with the constants
# chosen before (minutes, into runs/evidence), or all of it: networks that are not shipped are trained,
# constants chosen afresh on the validation wearers, benchmarks/results, docs/evidence.md and its figure,
# docs/evidence-tables.md and the README's table written; then docs/few-labels.md. RESUME=--resume keeps what
# was measured. Fashion-MNIST is Debian's dataset-fashion-mnist, the vowels its r-cran-mlbench; a data set
# that is not there is left out by name.
evidence: $(VENV)/test.stamp
	$(BIN)/python benchmarks/evidence/run.py --quick --out $(RUNS)/evidence
evidence-full: $(VENV)/test.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[evidence]'
	$(BIN)/python benchmarks/evidence/run.py --full $(RESUME)
	$(BIN)/python benchmarks/evidence/few.py
	$(BIN)/python benchmarks/evidence/incremental.py

# 100,000 learning steps, reference against emulator.
soak: $(VENV)/demo.stamp
	$(BIN)/python benchmarks/soak.py

# Instructions of every kernel and network on every core beside the peers, then the emulator against
# snnTorch and Sinabs. Writes benchmarks/results, the tables of docs/speed.md and the README's. The peers need 1.4 GB.
bench: $(VENV)/test.stamp tools
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/emulator_speed.py
	$(BIN)/python benchmarks/sinabs_speed.py

# The manual, to be opened from disk; a warning is a failure.
docs: $(VENV)/test.stamp
	$(BIN)/python -m sphinx -W --keep-going -q docs $(RUNS)/manual
	@echo $(RUNS)/manual/index.html

# Cross compiler and QEMU: installed where root or sudo allows, else one sentence and no failure. A
# newer QEMU for the boards that need one: into .tools, beside that of Debian 12.
tools:
	@sh tools/install_tools.sh
	@sh tools/newer_qemu.sh

$(VENV)/demo.stamp: pyproject.toml | $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[plot]'
	@touch $@

# PyTorch first and by its exact version: the index's CPU wheel where there is one. Then the frameworks
# that the importers are compared with, as they are.
$(VENV)/test.stamp: pyproject.toml tests/frameworks/requirements.txt | $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[plot,compare,dask,torch,nir,onnx,examples,frameworks,docs,dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r tests/frameworks/requirements.txt
	@touch $@ $(VENV)/demo.stamp

$(VENV): | tools
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) .tools build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
