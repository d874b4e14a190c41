# The commands of the project. `make run` and `make test` set up what is missing; each is quick when nothing changed.
#   make run  ARGUMENTS="--model digits_cnn"     arguments of `harness run`
#   make test ARGUMENTS="-k environment"         arguments of pytest

ARGUMENTS ?=
COMPILE := .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-python-downloads \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header

.DEFAULT_GOAL := run
.PHONY: run test check setup requirements clean

run: setup
	@.venv/bin/harness run $(ARGUMENTS)

test: check
	.venv/bin/python -m pytest $(ARGUMENTS)

check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy harness models targets

setup:
	@sh harness/setup/bootstrap.sh
	@sh harness/setup/debian.sh

# Takes the newest versions that the .in files and pyproject.toml allow, and pins them.
requirements: setup
	$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --constraints requirements/dev.txt --output-file requirements/engine.txt
	for file in harness/requirements/*.in; do $(COMPILE) $$file --output-file $${file%.in}.txt || exit 1; done

# Everything that can be made again; results stay.
clean:
	rm -rf .venv .harness build *.egg-info .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
