# Every task of the project. `make demo` and `make test` set everything up by themselves.
# Needs Python 3.11 or newer and nothing else; on Windows use `py -m pip install` as CONTRIBUTING.md says.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench evaluate chaos soak fuzz image godot-zip clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

demo: $(VENV)/.demo ## two NPCs talk, with the embedded model; no key needed
	@$(BIN)/dialogue-server model get || echo "Going on without the embedded model: the NPCs speak their authored lines."
	@$(BIN)/dialogue-server demo

test: $(VENV)/.dev ## everything, the embedded model included
	@$(BIN)/dialogue-server model get
	@$(BIN)/python tests/engines/install_godot.py || echo "Going on without Godot: its tests are skipped, or fail where CI is set."
	@$(BIN)/python tests/engines/install_godot_web.py || echo "Going on without Godot's web template: the export's test is skipped, or fails where CI is set."
	@$(BIN)/python tests/engines/install_node.py || echo "Going on without Node: WebGL's tests are skipped, or fail where CI is set."
	@$(BIN)/python tests/page/install_chromium.py || echo "Going on without Chromium: the page's tests are skipped, or fail where CI is set."
	@$(BIN)/python tests/services/install_services.py || echo "Going on without Redis or nginx: their tests are skipped, or fail where CI is set."
	@$(BIN)/python tests/engines/install_dotnet.py || echo "Going on without .NET: Unity's tests are skipped, or fail where CI is set."
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev ## formatting, lint, types, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m dialogue_protocol.vectors --check
	$(BIN)/python -m dialogue_protocol.codegen check

format: $(VENV)/.dev ## put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## the cost per token beside a bare forwarder (LITELLM=1: and LiteLLM, 750 MB); drops; a long talk
	@$(if $(LITELLM),$(BIN)/python -m benchmarks.litellm)
	$(BIN)/python -m benchmarks $(if $(LITELLM),--litellm) $(ARGS)
	$(BIN)/python -m benchmarks.scaling
	$(BIN)/python -m benchmarks.resilience
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.long_talk

evaluate: $(VENV)/.dev ## how well the embedded model plays the starter world
	@$(BIN)/dialogue-server model get
	$(BIN)/dialogue-server test dialogue_server/starter --backend local $(ARGS)

chaos: $(VENV)/.dev ## 200 conversations while sockets are cut and servers are killed: one, then three over one Redis
	@$(BIN)/python tests/services/install_services.py
	$(BIN)/python -m tests.end_to_end.chaos --conversations 200 --seed $(or $(SEED),1)
	$(BIN)/python -m tests.end_to_end.chaos --conversations 200 --seed $(or $(SEED),1) --servers 3 --disasters 20

soak: $(VENV)/.dev ## an hour of mixed and hostile load, after which nothing may be left (SECONDS=3600)
	$(BIN)/python -m tests.end_to_end.soak --seconds $(or $(SECONDS),3600) --seed $(or $(SEED),1)

fuzz: $(VENV)/.dev ## more than a million inputs into everything that reads foreign bytes
	$(BIN)/python -m tests.fuzz --inputs 1200000 --seed $(or $(SEED),1)

image: $(VENV)/.dev ## the image and the compose file, built and run by Docker (STAND_INS=1: where no registry is reached)
	@$(if $(STAND_INS),$(BIN)/python -m tests.containers.stand_ins)
	IMAGE=1 $(BIN)/python -m pytest tests/containers $(ARGS)

godot-zip: $(VENV)/.dev ## the Godot addon as people install it
	$(BIN)/python godot_client/make_zip.py

clean: ## remove what was made
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Set PYTHON=.")'
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the server and the embedded model's runtime ..."
	@$(PIP) install -c constraints.txt -e '.[local]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the server, the embedded model's runtime and the test tools ..."
	@$(PIP) install -c constraints.txt -e '.[local,dev]'
	@touch $@ $(VENV)/.demo
