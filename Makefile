# The commands of the project. `make run` and `make test` set up what is missing; each is quick when nothing changed.
#   make run  ARGUMENTS="--model digits_cnn"     arguments of `harness run`
#   make test ARGUMENTS="-k environment"         arguments of pytest
#   make baselines                               runs and accepts anew what results/README.md says of the zoo
#   make quick                                   the checks, and the tests that need neither a real part nor long
#   make test-all                                exhaustive sweeps whole, of which `make test` takes a sample

ARGUMENTS ?=
# Where it is set, as in images of containers, every process compiles hundreds of modules anew: a second of processor.
unexport PYTHONDONTWRITEBYTECODE
# Tests start hundreds of processes with NumPy, each of which would start a thread a core that spins for 80 ms.
export OPENBLAS_NUM_THREADS := 1
# As many processes as tests/conftest.py says of this machine.
PYTEST := .venv/bin/python -m pytest --numprocesses logical --maxprocesses 8 --no-loadscope-reorder --durations 20
# Types are checked beside the tests: mypy, one process, takes 45 seconds in a fresh clone.
BESIDE := $(MAKE) --no-print-directory --jobs 2
COMPILE := .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-python-downloads \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header

.DEFAULT_GOAL := run
.PHONY: run test test-all quick baselines lint types pytest setup requirements clean

run: setup
	@.venv/bin/harness run $(ARGUMENTS)

test: lint
	@$(BESIDE) types pytest

test-all: lint
	@$(BESIDE) types pytest OPTIONS=--all

# Its tests seldom wait, and each process takes five seconds of processor to begin.
quick: lint
	@$(BESIDE) types pytest OPTIONS='--maxprocesses 3 -m "not needs and not long"'

# Both runs before either is accepted, so that each is of the commit alone. What is not here, and why: results/README.md.
# The budget lets a busy machine compare all samples too.
baselines: setup
	.venv/bin/harness run --parity-only --budget 120 --variant float32 --variant int8 --target tflite/litert-xnnpack --target tflm/host
	.venv/bin/harness run --parity-only --budget 120 --model hello_world --model digits_cnn --variant int8 --target mcu/qemu-cortex-m4
	.venv/bin/harness baseline accept
	run=$$(ls results/runs | tail -n 2 | head -n 1) && .venv/bin/harness baseline accept $${run%.json}
	.venv/bin/harness baseline drop --case "digits_lstm/int8/*"

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types:
	.venv/bin/mypy harness models targets

pytest: tests/__pycache__
	$(PYTEST) $(OPTIONS) $(ARGUMENTS)

# In a fresh clone one process compiles the tests, or each that tests would do so for itself.
tests/__pycache__:
	@.venv/bin/python -m pytest --collect-only --quiet >/dev/null || :

setup:
	@sh harness/setup/bootstrap.sh
	@sh harness/setup/system.sh
	@.venv/bin/harness get-renode >/dev/null || :

# Takes the newest versions that the .in files and pyproject.toml allow, and pins them.
requirements: setup
	$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --constraints requirements/dev.txt --output-file requirements/engine.txt
	for file in harness/requirements/*.in; do $(COMPILE) $$file --output-file $${file%.in}.txt || exit 1; done

# Everything of this clone that can be made again; results stay, and so does what other projects share.
clean:
	rm -rf .venv .harness build *.egg-info .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@. harness/setup/shared.sh; echo "left, since other projects may use it: $$(environments_directory)"
