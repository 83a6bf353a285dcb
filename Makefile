# Every target sets itself up: .venv is made on first use and brought up to date when pyproject.toml or
# constraints.txt change. Needs Python 3.11, 3.12 or 3.13 and nothing else (Java comes with the packages). What builds
# irkit (hatchling) and pyserini, which is published as source only (setuptools), is pinned like everything else.
# A second environment beside the first: make quick PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# A file of tests stays in one process: what it makes for all its tests is made once.
WORKERS := --numprocesses auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# A virtual environment knows the folder it was made in; one that was copied or moved is made anew.
ifneq "$(wildcard $(VENV)/made-in)" ""
ifneq "$(shell cat '$(VENV)/made-in')" "$(CURDIR)"
$(shell rm -rf '$(VENV)')
endif
endif

.PHONY: help demo test quick lint format site jar bench wheel clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/ready-run ## Compare retrieval, recommendation and density models on embedded data; write report.html.
	@$(RUN) -m irkit leaderboard quickstart --report report.html

test: $(VENV)/ready-dev ## Run every test; with IRKIT_DATA, those on real collections too.
	@$(RUN) -m pytest $(WORKERS) $(ARGS)

quick: $(VENV)/ready-dev ## Run the fast tests only.
	@$(RUN) -m pytest $(WORKERS) -m "not slow and not data and not browser" $(ARGS)

lint: $(VENV)/ready-dev ## Check format, style, types and layers.
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/ready-dev ## Put the code into its format.
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

site: $(VENV)/ready-docs ## Build the guide and the reference into site/, a folder of static pages with a search.
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet
	@echo site/index.html

jar: $(VENV)/ready-dev ## Rebuild the Java bridge (needs javac 17 or newer).
	$(RUN) -m irkit.lucene.jar

bench: $(VENV)/ready-bench ## Print the timings beside those of other toolkits (takes a while).
	$(RUN) -m benchmarks $(ARGS)

wheel: $(VENV)/ready-dev ## Build the wheel into dist/.
	$(RUN) -m build --no-isolation --wheel

clean: ## Remove what the targets made.
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist site report.html benchmarks/work

# ---------------------------------------------------------------------------------------------- set-up

EXTRA_run :=
EXTRA_dev := [dev]
EXTRA_bench := [bench]
EXTRA_docs := [docs]

$(VENV)/ready-%: pyproject.toml constraints.txt
	@$(venv)
	@echo "irkit: installing into $(VENV); a few minutes the first time"
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt hatchling editables setuptools
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.$(EXTRA_$*)'
	@pwd -P > $(VENV)/made-in
	@touch $@

# Makes the environment with the first Python that will do, unless it is there and works.
define venv
if ! $(RUN) -m pip --version >/dev/null 2>&1; then \
  python=; \
  for one in "$(PYTHON)" python3.13 python3.12 python3.11; do \
    if "$$one" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then \
      python="$$one"; break; \
    fi; \
  done; \
  if [ -z "$$python" ]; then \
    echo "irkit: needs Python 3.11, 3.12 or 3.13, got $(PYTHON) = $$("$(PYTHON)" --version 2>&1 | head -n 1);" \
      "install one and name it: make PYTHON=/path/to/python3.13" >&2; exit 2; \
  fi; \
  "$$python" -m venv --clear $(VENV); \
fi
endef
