# Every target makes .venv by itself, with plain venv and pip, and installs again only when pyproject.toml or
# constraints.txt change. It needs Python 3.11, 3.12 or 3.13; choose another one with `make PYTHON=/path/to/python`.

.DEFAULT_GOAL := help
.PHONY: help demo test test-python test-blender-quick lint proto plugins test-blender test-davinci bench bench-api

BIN := .venv/bin
RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed

# Names on PATH may be shims that fail, so each is run. ensurepip is what Debian leaves out of a bare Python.
WORKS := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for name in python3.11 /usr/bin/python3.11 python3.12 python3.13 python3; do \
	"$$name" -c '$(WORKS)' >/dev/null 2>&1 && echo "$$name" && break; done)

# The tests start hundreds of processes, each of which would compile the same sources again.
unexport PYTHONDONTWRITEBYTECODE

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

demo: $(RUNTIME) ## Swap a character in a small clip, through the real server, and say where the result is
	$(BIN)/understudy demo

test: lint ## Everything that must hold: lint, the tests, the tests inside Blender
	@$(MAKE) --no-print-directory -j2 test-python test-blender-quick

# Beside each other, since both wait for servers more than they compute; what Blender's say is said in one piece.
test-python: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

test-blender-quick: $(DEV)
	@mkdir -p build; $(BIN)/python scripts/test_blender.py --quick >build/blender.log 2>&1; code=$$?; \
		cat build/blender.log; exit $$code

lint: $(DEV) ## Style, types, import directions, the API's rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy engine server proto plugins scripts tests
	$(BIN)/lint-imports
	$(BIN)/buf lint
	@for released in tests/data/api/*.binpb; do echo "buf breaking --against $$released"; \
		$(BIN)/buf breaking --against "$$released" || exit 1; done
	@tag=$$(git describe --tags --abbrev=0 2>/dev/null) || exit 0; echo "buf breaking against $$tag"; \
		git archive --format=tar "$$tag" proto buf.yaml | $(BIN)/buf breaking --against '-#format=tar'

proto: $(DEV) ## Generate the API's Python code from the .proto files
	$(BIN)/python scripts/generate_proto.py

plugins: $(DEV) ## Build the Blender extension into dist/
	$(BIN)/python scripts/build_plugins.py

test-blender: $(DEV) ## The tests inside Blender alone, all of them in all five versions
	$(BIN)/python scripts/test_blender.py

test-davinci: $(DEV) ## The tests of the DaVinci Resolve plugin alone, against the stand-in for Resolve
	$(BIN)/pytest tests/plugins/davinci

bench: $(DEV) ## Measure speed and memory on this machine
	$(BIN)/python scripts/bench.py

bench-api: $(DEV) ## Measure the API under load and under attack: clients that freeze, links that break
	$(BIN)/python -m scripts.bench_api

# pip 25.1 is the first that knows --group.
$(DEV): $(RUNTIME)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev
	@touch $@

$(RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Understudy needs Python 3.11, 3.12 or 3.13 with its venv module, and none" \
		"was found. Install python3.11 and python3.11-venv, or run make PYTHON=/path/to/python3.11." >&2; exit 1; }
	@"$(PYTHON)" -c '$(WORKS)' || { echo "$(PYTHON) cannot make the environment: Understudy needs Python 3.11," \
		"3.12 or 3.13 with its venv module. Name another with make PYTHON=/path/to/python3.11." >&2; exit 1; }
	"$(PYTHON)" -m venv --clear .venv
