# make run    measure the study of config/config.yaml and make its report
# make test   the quick tests; make test-all: every one; make lint: what must hold before a commit
# make env    the Python environment that the others use (they call it themselves)
# make board-file HOST=name   draft a file for config/boards/ from a probe of a board
# make virtual-board, virtual-run, virtual-board-stop   an aarch64 board under qemu (root, apt)
# make lock   pin the dependencies anew; make schemas: write the JSON schemas of the config; make docs: docs/tables.md

PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || echo 2)
# One more than there are cores: many tests wait, for boards and for links that are cut.
TESTERS ?= $(shell expr $(CORES) + 1)
BIN := .venv/bin
ARGS ?=

.PHONY: run test test-all lint env lock schemas docs board-file clean virtual-board virtual-run virtual-board-stop

run: env
	@$(BIN)/snakemake --cores $(CORES) $(ARGS)

test: env
	@$(BIN)/pytest --numprocesses $(TESTERS) $(ARGS)

test-all: env
	@$(BIN)/pytest --all --numprocesses $(TESTERS) $(ARGS)

lint: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	MYPYPATH=scripts/virtual_board $(BIN)/mypy --strict scripts/virtual_board/board.py
	$(BIN)/snakefmt --check workflow
	$(BIN)/vermin --target=3.5- --violations --eval-annotations scripts/onboard/*.py scripts/onboard/armcl/*.py
	$(BIN)/lint-imports
	$(BIN)/snakemake --lint

env: .venv/.installed

# Nothing of this on stdout: it may be the first part of `make board-file > board.yaml`.
.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >&2 || { \
		echo "error: $(PYTHON) is older than 3.11; name a newer one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv .venv >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable . >&2
	@touch $@

board-file: env
	@test -n "$(HOST)" || { echo 'usage: make board-file HOST=name [ARGS="--user me --port 22"]' >&2; exit 2; }
	@$(BIN)/nntest board-file "$(HOST)" $(ARGS)

virtual-board: env
	@$(BIN)/python scripts/virtual_board/board.py build --bare --install-tools
	@$(BIN)/python scripts/virtual_board/board.py start

virtual-run: env
	@$(BIN)/snakemake --cores 2 --configfile config/virtual.yaml $(ARGS)

virtual-board-stop: env
	@$(BIN)/python scripts/virtual_board/board.py stop

lock: env
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev \
		--no-header --output-file requirements.lock pyproject.toml

schemas: env
	$(BIN)/python -m nntest.config.schemas

docs: env
	$(BIN)/python -m nntest.report.table_docs

clean:
	rm -rf .venv .snakemake .pytest_cache .mypy_cache .ruff_cache
