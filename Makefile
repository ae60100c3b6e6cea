# The commands of this project. `make demo` and `make test` are all a fresh machine needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REQUIREMENTS := requirements/runtime.txt requirements/dev.txt requirements/constraints.txt
CORES ?= all
# Every job is a process of its own: without compiled files each would compile all it imports anew.
export PYTHONDONTWRITEBYTECODE :=
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES) --resources gpu=1 --keep-going

.PHONY: setup demo quick standard full test lint clean crosscheck bench bench-sweep bench-statistics \
	bench-report

setup: $(STAMP)

# The project comes last: its `snakemake` command takes the place of Snakemake's own.
$(STAMP): $(REQUIREMENTS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make setup PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-r requirements/runtime.txt -r requirements/dev.txt -c requirements/constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(STAMP)

demo: setup
	@$(SNAKEMAKE) results/quick/all.json --configfile config/demo.yaml
	@echo "The report: $(CURDIR)/reports/quick/index.html"

quick standard full: setup
	@$(SNAKEMAKE) results/$@/all.json

# Tests are shared out over the cores; each process then computes on one.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

# Models and results are kept: they are what took time. Remove models/ and results/ by hand.
clean:
	rm -rf reports logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Sample-by-sample agreement with the reference implementations: writes docs/fidelity.md.
MIRROR ?= ../shared/data/hub
ROWS ?= 40
REFERENCE := .venv-crosscheck

$(REFERENCE)/.installed: requirements/crosscheck.txt requirements/constraints.txt
	@test -x $(REFERENCE)/bin/python || $(PYTHON) -m venv $(REFERENCE)
	@echo '*' > $(REFERENCE)/.gitignore
	$(REFERENCE)/bin/python -m pip install --quiet --disable-pip-version-check \
		-r requirements/crosscheck.txt -c requirements/constraints.txt
	$(REFERENCE)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		bfcl-eval==2026.3.23
	@touch $@

crosscheck: setup $(REFERENCE)/.installed
	@$(BIN)/python -m crosscheck --python $(REFERENCE)/bin/python --mirror $(MIRROR) --rows $(ROWS)

# Speed and memory against lm-eval, in turns on this machine: writes into docs/performance.md.
bench: setup $(REFERENCE)/.installed
	@$(BIN)/python -m benchmarks.against_lm_eval --python $(REFERENCE)/bin/python \
		--mirror $(MIRROR) --report docs/performance.md

# What intervals and tests keep of their promises: writes into docs/statistics.md.
bench-statistics: setup
	@$(BIN)/python -m benchmarks.statistics

# What the engine reaches of the machine's measured ceilings.
bench-sweep: setup
	@$(BIN)/python -m benchmarks.sweep --report docs/performance.md

# The report of a full-size tier of made-up results: time, memory, sizes, and how fast it opens.
bench-report: setup
	@$(BIN)/python -m benchmarks.full_report --report docs/performance.md
