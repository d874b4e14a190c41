"""Whether two runs counted the same to the digit: on two machines, say, or with a worker that was changed.

    python tests/benchmarks/equal_counts.py results/runs/ONE.json elsewhere/results/runs/OTHER.json

Prints each exact figure and each operator that differs; exit code 1 if one does, or if no case is in both.
"""

import sys
from pathlib import Path

from harness.store.record import CaseResult
from harness.store.runs import RunStore


def exact_figures(case: CaseResult) -> dict[str, int]:
    """By name, the operators' instructions among them."""
    measured = case.measured
    costs = {f"operator {cost.index} {cost.operator}": cost.instructions for cost in measured.per_operator}
    return {**{name: measured.figures[name] for name in measured.exact}, **costs}


def main() -> int:
    store = RunStore(Path("results"))
    one, other = ({case.id: case for case in store.read(Path(name)).cases} for name in sys.argv[1:3])
    both = sorted(one.keys() & other.keys())
    differing = 0
    for name in both:
        before, after = exact_figures(one[name]), exact_figures(other[name])
        for figure in sorted(before.keys() | after.keys()):
            if before.get(figure) != after.get(figure):
                differing += 1
                print(f"{name}: {figure} {before.get(figure)} → {after.get(figure)}")
    print(f"{len(both)} cases in both, {differing} figures differ")
    return int(differing > 0 or not both)


if __name__ == "__main__":
    sys.exit(main())
