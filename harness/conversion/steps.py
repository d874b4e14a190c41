"""A step of a conversion: looked up in the cache, else done by a child process that holds TensorFlow."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from harness.cache import Cache, Entry, sha256_json, sha256_tree
from harness.conversion.children import WORKER, Children
from harness.conversion.worker_request import RemoteConverter, WorkerRequest, identity_of
from harness.environment import Environment
from harness.errors import CaseError, Failed, Unsupported
from harness.variant import Variant

HERE = Path(__file__).parent
LONG_SECONDS = 1.5
"""Seconds of preparation above which a model counts as large (its conversions are then large too)."""


@dataclass(frozen=True)
class StepTimeouts:
    """Bounds on one conversion step, in seconds."""

    start: float = 180.0
    prepare: float = 600.0
    convert: float = 600.0
    reference: float = 600.0
    conditioning: float = 300.0


def code_of_steps(environment: Environment) -> str:
    """Hash of the environment of conversion and of the engine's files that run in it."""
    own = [
        HERE / "prepare.py",
        HERE / "data.py",
        HERE / "graph_summary.py",
        HERE / "format_converter.py",
        HERE / "sources",
        WORKER,
        HERE.parent / "model.py",
        HERE.parent / "named_arrays.py",
        HERE.parent / "quantisation.py",
        HERE.parent / "ragged.py",
    ]
    return sha256_json([environment.digest(), sha256_tree(own)])


class ConversionSteps:
    """The cache, the child processes and their limits; nothing that is in the cache is done again.

    Thread-safe: at most `workers` child processes of an environment work at once.
    """

    def __init__(
        self, cache: Cache, environment: Environment, workers: int, limits: StepTimeouts | None = None
    ) -> None:
        self.cache = cache
        self.cache.sweep()
        self.environment = environment
        self.limits = limits or StepTimeouts()
        self._children = Children(workers, self.limits.start)
        self._elsewhere: RemoteConverter | None = None
        self._code = code_of_steps(environment)

    def at(self, elsewhere: RemoteConverter) -> Self:
        """The same steps, done at another place, or here if that place cannot do them."""
        other = copy.copy(self)
        other._elsewhere = elsewhere
        return other

    def close(self) -> None:
        """End every child process."""
        self._children.close()

    def _do(
        self, operation: WorkerRequest, environment: Environment | None = None, *, with_another: bool = False
    ) -> dict[str, Any]:
        """The answer of the converter's worker, in the usual environment or another one, which only this machine is
        known to have. Raises a `CaseError`: what another machine fails at is done again here, so that the sentence is
        the same wherever it was tried. `with_another`: if it takes long, another worker starts meanwhile."""
        usual = environment is None or environment is self.environment
        if self._elsewhere is not None and usual and not operation.local_only:
            answer = self._elsewhere.convert(operation, identity_of(self._code))
            if answer is not None:
                return answer
        chosen = environment or self.environment
        meanwhile = self._children.another_after(LONG_SECONDS, chosen) if with_another else nullcontext()
        with self._children.lend(chosen) as child, meanwhile:
            reply, _ = child.call(operation.name, seconds=operation.timeout_seconds, **operation.arguments())
        return reply

    def _environment(self, variant: Variant) -> Environment:
        """Where a variant is converted: the usual environment, or one of its own."""
        if not variant.converter:
            return self.environment
        return Environment.from_pins("converter-of-its-own", variant.converter)

    def _entry(self, kind: str, key: str, write: Any, other: Cache | None = None) -> Entry:
        """The entry, from the cache or made. A refusal, or a failure that would only come again, is cached as well."""
        cache = other or self.cache
        found = cache.find(kind, key)
        if found is None:
            try:
                found = cache.make(kind, key, write)
            except CaseError as error:
                if not error.lasting:
                    raise
                message, log = str(error), error.log
                outcome = "refused" if isinstance(error, Unsupported) else "failed"

                def write_refusal(folder: Path) -> dict[str, Any]:
                    (folder / "log.txt").write_text(log)
                    return {outcome: message}

                found = cache.make(kind, key, write_refusal)
        for outcome, kind_of_error in (("refused", Unsupported), ("failed", Failed)):
            if outcome in found.facts:
                raise kind_of_error(found.facts[outcome], (found.folder / "log.txt").read_text())
        return found
