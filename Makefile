# Two commands: `make demo` and `make test`. Each does all set-up itself.
VENV   := .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
RUNS   ?= runs

.PHONY: demo demo-train test soak bench tools clean

demo: $(VENV)/demo.stamp tools
	$(BIN)/edge-dassdp demo digits --out $(RUNS)/digits

# The same, after training the network afresh with snnTorch and importing it from PyTorch.
demo-train: $(VENV)/test.stamp tools
	$(BIN)/python examples/train_digits.py --out $(RUNS)/trained
	$(BIN)/edge-dassdp demo digits --models $(RUNS)/trained --out $(RUNS)/digits-trained

test: $(VENV)/test.stamp tools
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2

# 100,000 learning steps, reference against emulator.
soak: $(VENV)/demo.stamp
	$(BIN)/python benchmarks/soak.py

# Instructions of every kernel and network on every core beside the peers, then the emulator against
# snnTorch. Writes benchmarks/results and the tables of README.md. The peers need 1.4 GB.
bench: $(VENV)/test.stamp tools
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/emulator_speed.py

# Cross compiler and QEMU: installed where root or sudo allows, else one sentence and no failure.
tools:
	@sh tools/install_tools.sh

$(VENV)/demo.stamp: pyproject.toml | $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[plot]'
	@touch $@

# PyTorch first and by its exact version: the index's CPU wheel where there is one.
$(VENV)/test.stamp: pyproject.toml | $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[plot,torch,examples,dev]'
	@touch $@ $(VENV)/demo.stamp

$(VENV): | tools
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
