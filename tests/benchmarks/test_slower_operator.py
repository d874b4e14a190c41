"""An operator with five times the multiplications: found by the interpreter's own times here, and by how much.

python -m pytest tests/benchmarks/test_slower_operator.py --benchmark-only -s
"""

import pytest

from harness.ab.block_plan import BlockPlan
from harness.ab.by_operator import changed_operators, operator_in_words
from harness.ab.side import Side
from tests.harness.ab.test_real_operators import TARGET, model


@pytest.mark.needs("litert")
def test_the_operator_that_was_made_slower_is_named(benchmark, tmp_path):
    sides = [Side(name, TARGET, model(tmp_path, name, window)) for name, window in (("old", 3), ("new", 7))]
    found = benchmark.pedantic(changed_operators, args=(*sides, {}, BlockPlan(seed=1)), rounds=1)
    print("", *map(operator_in_words, found), sep="\n")
