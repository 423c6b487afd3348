# Everything a person types. `make run` needs Python 3.11+ and nothing else.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet

.PHONY: run demo test soak check format bench contract docs pictures lock wire clean
.DEFAULT_GOAL := run

run: .venv/runtime.stamp ## every service in one process against the simulator
	@exec $(BIN)/sniper up

demo: .venv/runtime.stamp ## the bounded form: five listings, a latency table, exit 0
	@$(BIN)/sniper demo --listings 5

# Hundreds of processes are started: each would compile all of our code where the environment forbids to keep that.
test soak: export PYTHONDONTWRITEBYTECODE :=
test: .venv/dev.stamp ## all tests, on a real RabbitMQ and a real PostgreSQL
	@$(BIN)/python -m tests.tools.prepare
	@$(BIN)/python -m pytest $(ARGS)

soak: .venv/dev.stamp ## a whole day of traffic in a quarter of an hour, with its figures
	@$(BIN)/python -m tests.tools.prepare
	@$(BIN)/python -m pytest -n 0 -s $(ARGS) tests/soak/whole_day.py

check: .venv/dev.stamp ## style, types, import rules, loops, words, structure and dead code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.tools.loops
	$(BIN)/python -m tests.tools.words
	$(BIN)/python -m tests.tools.structure --check
	$(BIN)/python -m tests.tools.public
	$(BIN)/vulture

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/dev.stamp ## measure against the bare floor; writes bench/results/latest.json
	@$(BIN)/python -m tests.tools.prepare
	@$(BIN)/python -m bench $(ARGS)

wire: .venv/dev.stamp ## compile the wire schema
	$(BIN)/python -m shared.mexc.compile_wire

contract: .venv/dev.stamp ## schemas, the AsyncAPI document, the broker's definitions, the dashboards and pages of reference, from the code
	$(BIN)/python -m contract
	$(BIN)/python -m reference

docs: .venv/docs.stamp ## the site of docs/, in build/site; a link that leads nowhere is an error
	@.venv/docs/bin/python -m reference.site build/docs
	@NO_COLOR=1 .venv/docs/bin/zensical build --strict --config-file mkdocs.yml

pictures: .venv/dev.stamp ## the pictures of the operating guide, of a running dashboard, into docs/pictures
	@$(BIN)/python -m tests.tools.prepare
	@$(BIN)/python -m tests.tools.guide_pictures

lock: ## pin every dependency with its hashes (needs uv)
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" --extra local --extra otel --extra parquet --extra dev pyproject.toml requirements/build.in -o requirements/dev.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" -c requirements/dev.txt pyproject.toml requirements/build.in -o requirements/runtime.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" -c requirements/dev.txt requirements/local.in -o requirements/local.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" -c requirements/dev.txt requirements/otel.in -o requirements/otel.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" -c requirements/dev.txt requirements/parquet.in -o requirements/parquet.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" requirements/docs.in -o requirements/docs.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" requirements/linters.in -o requirements/linters.txt

clean: ## remove what the make targets made, but not your data in .sniper
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache bench/results

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=..." if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv

.venv/runtime.stamp: .venv/bin/python requirements/runtime.txt requirements/local.txt pyproject.toml
	@echo "Installing (about half a minute, once)"
	@$(PIP) install --require-hashes --no-deps -r requirements/runtime.txt -r requirements/local.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

.venv/dev.stamp: .venv/runtime.stamp requirements/dev.txt
	@echo "Installing what the tests need (once)"
	@$(PIP) install --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

.venv/docs.stamp: .venv/bin/python requirements/docs.txt
	@$(PYTHON) -m venv .venv/docs
	@.venv/docs/bin/pip --disable-pip-version-check --quiet install --require-hashes --no-deps -r requirements/docs.txt
	@touch $@
