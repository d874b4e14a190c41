"""A source as a record keeps it, and a source again from what a record kept."""

from __future__ import annotations

from pathlib import Path

from harness.conversion.source import Source
from harness.errors import HarnessError
from harness.model import TensorSpec
from harness.store.record import ModelOrigin


def origin_of(source: Source, root: Path) -> ModelOrigin | None:
    """Where `source` is, seen from the project at `root`; None where a file of it lies elsewhere or cannot be read."""
    base = root.resolve()
    try:
        return ModelOrigin(
            identity=source.identity(),
            kind=source.kind,
            path=_relative(source.path, base),
            package=source.package,
            weights=_relative(source.weights, base) if source.weights else None,
            data=_relative(source.data, base) if source.data else None,
            files=tuple(_relative(file, base) for file in source.files),
            signature=source.signature,
            function=source.function,
            inputs=tuple((spec.name, tuple(spec.shape), spec.dtype) for spec in source.inputs),
            sequence=source.sequence,
        )
    except (ValueError, HarnessError):
        return None


def source_of(origin: ModelOrigin, root: Path) -> Source:
    """The source below `root` that `origin` tells of; its files need not be there."""
    return Source(
        origin.kind,  # type: ignore[arg-type]
        root / origin.path,
        package=origin.package,
        weights=root / origin.weights if origin.weights else None,
        data=root / origin.data if origin.data else None,
        signature=origin.signature,
        function=origin.function,
        inputs=tuple(TensorSpec(name, shape, dtype) for name, shape, dtype in origin.inputs),
        files=tuple(root / file for file in origin.files),
        sequence=origin.sequence,
    )


def source_paths(origin: ModelOrigin) -> tuple[str, ...]:
    """Every file and folder that `origin` names, relative to the project. A TensorFlow.js model's weights lie beside
    it, and a zoo model's helpers around it, so that these are folders."""
    path = origin.path
    if origin.kind in ("tfjs", "zoo"):
        path = path.rpartition("/")[0] or "."
    return (path, *(place for place in (origin.weights, origin.data, *origin.files) if place))


def _relative(path: Path, base: Path) -> str:
    return path.resolve().relative_to(base).as_posix()
