"""Converter's child processes that one command leaves to the next: TensorFlow takes 5 s of processor to start.

Each job runs in a fork of such a child, so that it cannot tell whom the child served before.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from harness import registry
from harness.conversion.children import Children
from harness.environment import Environment
from harness.process.child import ChildProcess

MOST = 2
"""Idle children: each holds 300 MB."""
OF_ONE_TEST = ("PYTEST_CURRENT_TEST", "HARNESS_CACHE", "COLUMNS", "PWD", "OLDPWD")
"""Variables that no conversion reads."""


@contextmanager
def converters_kept() -> Iterator[None]:
    """Meanwhile, closing a converter ends no child: another with the same environment and variables takes it over. And
    each has one child at a time: other processes test meanwhile."""
    idle: list[tuple[Hashable, ChildProcess]] = []
    make, start = Children.__init__, Children._start

    def take(children: Children, environment: Environment, worker: Path) -> ChildProcess:
        wanted = situation(environment)
        for entry in [entry for entry in idle if entry[0] == wanted]:
            idle.remove(entry)
            if entry[1].alive():
                return entry[1]
            entry[1].close()
        child = start(children, environment, worker)
        child.situation = wanted
        return child

    def give_back(children: Children) -> None:
        for slots in children._pools.values():
            for _ in range(children._workers):
                child = slots.get()
                if child is not None:
                    idle.append((child.situation, child))
                slots.put(None)
        while len(idle) > MOST:
            idle.pop(0)[1].close()

    def one_is_enough(children: Children, workers: int, start_seconds: float) -> None:
        make(children, min(workers, 1), start_seconds)

    with (
        mock.patch.object(Children, "__init__", one_is_enough),
        mock.patch.object(Children, "_start", take),
        mock.patch.object(Children, "close", give_back),
    ):
        yield
    for _, child in idle:
        child.close()


def situation(environment: Environment) -> Hashable:
    """All that decides what a child of an environment is."""
    variables = {name: value for name, value in os.environ.items() if name not in OF_ONE_TEST}
    packages = {name: registry.package_folder(name) for _, name, _ in registry.zoo().values()}
    return environment.digest(), tuple(sorted(variables.items())), tuple(sorted(packages.items()))
