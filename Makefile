# Everything a person or a machine runs here. `make` alone lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
# Newer than both files below: the environment is complete.
READY := $(VENV)/.ready
DEMO_DESIGN := configs/designs/dm_ivig_16w.yaml
DEMO_OUT := results/demo

# Name an interpreter to skip the search: make setup PYTHON=/path/to/python3.12
PYTHON ?=
# More words for pytest: make test PYTEST_ARGS="-k engines -x"
PYTEST_ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
export PIP_NO_INPUT := 1

# Can this interpreter make our environment? Debian ships some without ensurepip, and a pyenv
# shim is on PATH even where its version is not active: so run it, do not only look for it.
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info[:2] not in ((3, 12), (3, 13)))

# 3.12 first, then 3.13; on PATH first, then under pyenv.
define FIND_PYTHON
found=; \
for candidate in $(if $(PYTHON),"$(PYTHON)",\
    python3.12 "$${PYENV_ROOT:-$${HOME:-}/.pyenv}"/versions/3.12.*/bin/python3.12 \
    python3.13 "$${PYENV_ROOT:-$${HOME:-}/.pyenv}"/versions/3.13.*/bin/python3.13 \
    python3 python); do \
  if "$$candidate" -c '$(USABLE)' >/dev/null 2>&1; then found=$$candidate; break; fi; \
done; \
if [ -z "$$found" ]; then \
  echo "simtrial needs Python 3.12 or 3.13 with its venv module: install one (python3.12 and python3.12-venv, or pyenv install 3.12), or name it with make PYTHON=/path/to/python3.12." >&2; \
  exit 1; \
fi
endef

.PHONY: help
help: ## show this list
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: $(READY) ## make .venv with the pinned packages and the simtrial command
	@echo "Ready: $(BIN)/simtrial --help"

$(READY): pyproject.toml constraints.txt
	@if ! $(BIN)/python -c '$(USABLE)' >/dev/null 2>&1; then \
	  $(FIND_PYTHON); \
	  echo "Making $(VENV) with $$found"; \
	  "$$found" -m venv --clear $(VENV); \
	fi
	@echo "Installing the pinned packages into $(VENV) (a minute or two the first time)"
	@$(BIN)/python -m pip install -qq -c constraints.txt -e '.[dev]'
	@touch $@

.PHONY: python
python: ## print the interpreter that setup would use
	@$(FIND_PYTHON); echo "$$found"

.PHONY: demo
demo: $(READY) ## size the example trial: table, sentence, figure and page in results/demo
	@$(BIN)/simtrial size $(DEMO_DESIGN) --out $(DEMO_OUT)

.PHONY: test
test: $(READY) ## run the tests, all but the slow ones
	@$(BIN)/python -m pytest -q -n auto -m "not verify" $(PYTEST_ARGS)

.PHONY: verify
verify: $(READY) ## run the slow tests: published and long-run properties
	@$(BIN)/python -m pytest -q -m verify $(PYTEST_ARGS)

.PHONY: lint
lint: $(READY) ## check style, format, types and import contracts
	@# all four run, so that one red check does not hide the next
	@status=0; \
	for check in "ruff check --quiet ." "ruff format --check ." "mypy" "lint-imports --no-logo"; do \
	  $(BIN)/$$check || { echo "make lint: $$check found something" >&2; status=1; }; \
	done; \
	exit $$status

.PHONY: docs
docs: $(READY) ## make docs/evidence.md and its figures again from the ledger
	@$(BIN)/simtrial evidence page --out docs

.PHONY: bench
bench: $(READY) ## measure ratios of speed against their goals: tables, and results/bench/*.json
	@$(BIN)/python -m benchmarks.engines
	@$(BIN)/python -m benchmarks.scaling
	@$(BIN)/python -m benchmarks.exact_designs
	@$(BIN)/python -m benchmarks.predictive_probability
	@if command -v Rscript >/dev/null 2>&1; then $(BIN)/python -m benchmarks.survival_against_rpact; \
	else echo "no Rscript here: the comparison with rpact (r-cran-rpact) is left out"; fi
	@if Rscript -e 'library(Mediana)' >/dev/null 2>&1; then $(BIN)/python -m benchmarks.binary_against_mediana; \
	else echo "no R package Mediana (r-cran-mediana) here: the comparison with it was not measured"; fi

.PHONY: constraints
constraints: $(READY) ## make the pins again from pyproject.toml, newest versions
	@$(BIN)/python -m pip install -qq uv
	@UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile pyproject.toml --quiet --all-extras --universal --upgrade \
	  --python $(BIN)/python --python-version 3.12 \
	  --no-header --no-annotate --no-emit-index-url --output-file constraints.txt
	@echo "constraints.txt is new; run make setup, make lint and make test before keeping it"

.PHONY: clean
clean: ## remove the environment and caches; results stay
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	@find simtrial tests benchmarks -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
