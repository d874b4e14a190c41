"""From the bytes of a `.tflite` file to a plan."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from .builder import Builder
from .flatbuffer import Malformed
from .lowering import LOWERINGS
from .lowering.movement import UNREAD_INPUTS
from .model import Model, Operator, Tensor, operator_names, read_model
from .refusal import OperatorUnsupported, PlanRefused


@dataclass(frozen=True)
class PlanTensor:
    """An input or output. `scale` and `zero_point` are None where the tensor is not quantised."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None

    @property
    def nbytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class PlanOperator:
    """One operator of the model: the kernels that run it in order, none where it costs nothing."""

    index: int
    name: str
    output_shape: tuple[int, ...]
    dtype: str
    kernels: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """`blob` runs on any of the boards, and on the host."""

    blob: bytes
    arena_bytes: int
    inputs: tuple[PlanTensor, ...]
    outputs: tuple[PlanTensor, ...]
    operators: tuple[PlanOperator, ...]

    @property
    def input_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.inputs)

    @property
    def output_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.outputs)


@dataclass(frozen=True)
class UnsupportedOperator:
    """An operator that the kernels cannot run, and why, in a sentence."""

    index: int
    name: str
    reason: str


def _needed_operators(model: Model) -> set[int]:
    """Operators that an output depends on; the arithmetic behind a reshape's target shape, say, is not among them."""
    needed_tensors = {tensor.index for tensor in model.outputs}
    needed: set[int] = set()
    for operator in reversed(model.operators):
        if needed_tensors.isdisjoint(tensor.index for tensor in operator.outputs):
            continue
        needed.add(operator.index)
        unread = UNREAD_INPUTS.get(operator.name, ())
        needed_tensors.update(t.index for i, t in enumerate(operator.inputs) if t is not None and i not in unread)
    return needed


def _lower(operator: Operator, build: Builder) -> None:
    build.current = operator.index
    lowering = LOWERINGS.get(operator.name)
    if lowering is None:
        raise OperatorUnsupported(operator.name, f"{operator.label} is not supported by the plan runtime.")
    try:
        # Scales from a damaged file may overflow on the way to a check that refuses them.
        with np.errstate(all="ignore"):
            lowering(operator, build)
    except Malformed as error:
        raise PlanRefused(f"{operator.label} is not readable: {error}.") from None
    except (ArithmeticError, ValueError):
        raise PlanRefused(f"{operator.label} has scales or options that no arithmetic can use.") from None


def plan_model(tflite: bytes) -> Plan:
    """Plans a model. Raises `PlanRefused` (of which `OperatorUnsupported` is one) with a sentence that says why not."""
    model = read_model(tflite)
    build = Builder(model)
    build.add_inputs()
    needed = _needed_operators(model)
    for operator in model.operators:
        if operator.index in needed:
            _lower(operator, build)
    blob = build.serialise()
    return Plan(
        blob,
        build.arena_bytes,
        tuple(_describe(tensor) for tensor in model.inputs),
        tuple(_describe(tensor) for tensor in model.outputs),
        tuple(_describe_operator(operator, build) for operator in model.operators),
    )


def unsupported_operators(tflite: bytes) -> list[UnsupportedOperator]:
    """Every operator that cannot be planned, each with its own reason; empty where `plan_model` would succeed.

    Raises `PlanRefused` where the file itself is at fault.
    """
    if not _readable_as_one_graph(tflite):
        names = Counter(operator_names(tflite))
        return [
            UnsupportedOperator(-1, name, f"{name} is not supported by the plan runtime.")
            for name in names
            if name not in LOWERINGS
        ]
    model = read_model(tflite)
    build = Builder(model)
    build.add_inputs()
    needed = _needed_operators(model)
    refused = []
    for operator in model.operators:
        if operator.index not in needed:
            continue
        try:
            _lower(operator, build)
        except OperatorUnsupported as refusal:
            refused.append(UnsupportedOperator(operator.index, operator.name, str(refusal)))
            build.assume(operator.outputs)
    return refused


def _readable_as_one_graph(tflite: bytes) -> bool:
    """False where only the names of the operators can be told, as in a model with several subgraphs."""
    try:
        read_model(tflite)
    except PlanRefused:
        operator_names(tflite)
        return False
    return True


def _describe(tensor: Tensor) -> PlanTensor:
    quantised = tensor.quantisation is not None and len(tensor.quantisation.scales) == 1
    return PlanTensor(
        tensor.name,
        tensor.shape,
        tensor.dtype,
        float(tensor.scale) if quantised else None,
        tensor.zero_point if quantised else None,
    )


def _describe_operator(operator: Operator, build: Builder) -> PlanOperator:
    output = operator.outputs[0] if operator.outputs else None
    return PlanOperator(
        operator.index,
        operator.name,
        output.shape if output else (),
        output.dtype if output else "",
        tuple(build.steps_of(operator.index)),
    )
