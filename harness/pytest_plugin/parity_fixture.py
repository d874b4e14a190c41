"""The `parity` fixture: compares a model in a user's own test, by the same rules as every case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.named_arrays import write_arrays
from harness.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.conversion.model_entry import ModelEntry, Task
    from harness.run.matrix import Case
    from harness.store.record import CaseResult


class ParityChecker:
    """Holds models to the policy of the project that the test runs in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def assert_close(
        self,
        model: Any,
        *,
        target: str,
        variant: str = "float32",
        inputs: Mapping[str, Any] | None = None,
        labels: Any = None,
        task: Task = "regression",
    ) -> CaseResult:
        """Convert `model`, run it on `target`, and compare along both edges.

        Args:
            model: the path of a SavedModel, `.keras`, `.h5` or `.tflite`; a Keras model; or a name from harness.toml or
                the zoo.
            target: as `tflite/litert-xnnpack`; `harness targets` lists them.
            variant: as `int8`, which on TensorFlow.js is its `uint8` (weights of eight bits, the only ones it has); a
                ready artifact has only the one that it is, and this is passed over.
            inputs: input name to array, samples first; fixed random ones if not given.
            labels: one per sample, for a task metric.

        Returns the case's result. Raises AssertionError with the broken rules; skips where the target is not installed.
        """
        __tracebackhide__ = True
        mistake = ""
        try:
            case = self._case(model, target, variant, inputs, labels, task)
            result, reasons = self._measure(case)
        except HarnessError as error:
            mistake = str(error)
        if mistake:
            pytest.fail(mistake, pytrace=False)
        if result.outcome.value == "unavailable":
            pytest.skip(result.reason)
        if reasons:
            raise AssertionError(f"{result.model} ({result.variant}) on {target}:\n" + "\n".join(reasons))
        return result

    def _measure(self, case: Case) -> tuple[CaseResult, list[str]]:
        from harness.gate.policy_file import project_policy
        from harness.paths import cache_directory, project_root
        from harness.run.engine import Run
        from harness.run.pool import SilentProgress
        from harness.run.settings import Settings

        root = project_root()
        settings = Settings(
            root=root,
            cache=cache_directory(),
            results=self._folder / "results",
            command="the parity fixture",
            parity_only=True,
            workers=1,
            policy=project_policy(root),
        )
        record = Run([case], settings, SilentProgress()).execute()
        if record.status == "interrupted":
            raise KeyboardInterrupt
        (result,) = record.cases
        reasons = [f"  {check.rule}: {check.message}" for check in result.checks if not check.passed]
        if not reasons and result.outcome.value != "passed":
            reasons = [f"  {result.outcome.value}: {result.reason}"]
        return result, reasons

    def _case(
        self, model: Any, target: str, variant: str, inputs: Mapping[str, Any] | None, labels: Any, task: Task
    ) -> Case:
        from harness import registry
        from harness.run.matrix import Case
        from harness.variant import READY

        known = registry.targets()
        if target not in known:
            raise HarnessError(
                f"There is no target '{target}'; there are {', '.join(known)}.{did_you_mean(target, known)}"
            )
        entry = self._entry(model, inputs, labels, task)
        artifact_format = registry.formats()[known[target].format]
        recipes = {found.name: found for found in entry.variants(artifact_format)}
        if entry.source.ready_format is not None:
            if entry.source.ready_format != artifact_format.name:
                raise HarnessError(f"{target} takes {artifact_format.name} artifacts, and {entry.name} is none.")
            return Case(entry, artifact_format, READY, known[target])
        if variant == "int8" and variant not in recipes and "uint8" in recipes:
            variant = "uint8"  # one line of a test for every target: eight bits, however a format stores them
        if variant not in recipes:
            meant = did_you_mean(variant, recipes)
            raise HarnessError(f"{target} has no variant '{variant}'; it has {', '.join(recipes)}.{meant}")
        return Case(entry, artifact_format, recipes[variant], known[target])

    def _entry(self, model: Any, inputs: Mapping[str, Any] | None, labels: Any, task: Task) -> ModelEntry:
        from harness.paths import project_root
        from harness.project import ModelTable, entry_of, model_entries

        data = self._data(inputs, labels)
        if isinstance(model, str) and not Path(model).exists():
            entries = model_entries(project_root())
            if model not in entries and (Path(model).suffix or len(Path(model).parts) > 1):
                raise HarnessError(
                    f"There is no model file {Path(model).resolve()}; name one, or a model of the project."
                )
            if model not in entries:
                known = ", ".join(entries)
                meant = did_you_mean(model, entries)
                raise HarnessError(f"'{model}' is neither a path nor a model; there are {known}.{meant}")
            if data is not None:
                raise HarnessError(f"The model '{model}' has its own data; leave `inputs` and `labels` out.")
            return entries[model]
        path = Path(model) if isinstance(model, (str, Path)) else self._saved(model)
        name = "".join(letter if letter.isalnum() or letter in "_.-" else "_" for letter in path.stem)
        return entry_of(
            Path.cwd(), name.lstrip("_.-") or "model", ModelTable(path=path.resolve(), data=data, task=task), ()
        )

    def _saved(self, model: Any) -> Path:
        """A Keras model's file. Raises `HarnessError` for anything else."""
        packages = {cls.__module__.split(".")[0] for cls in type(model).__mro__}
        name = "".join(letter if letter.isalnum() else "_" for letter in str(getattr(model, "name", ""))) or "model"
        if "tf_keras" in packages:
            path = self._folder / f"{name}.h5"
        elif "keras" in packages:
            path = self._folder / f"{name}.keras"
        else:
            raise HarnessError(
                f"A {type(model).__module__}.{type(model).__name__} is no Keras model and no path; save it and name "
                "the file."
            )
        model.save(path)
        return path

    def _data(self, inputs: Mapping[str, Any] | None, labels: Any) -> Path | None:
        if inputs is None:
            return None
        path = self._folder / "inputs.npz"
        arrays = {name: np.asarray(values) for name, values in inputs.items()}
        if labels is not None:
            arrays["labels"] = np.asarray(labels)
        try:
            write_arrays(path, arrays)
        except ValueError as error:
            raise HarnessError(f"`inputs` and `labels` cannot be taken: {error}.") from error
        return path
