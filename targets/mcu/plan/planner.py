"""Plans a `.tflite` file: turns its bytes into a binary plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .builder import Builder
from .flatbuffer import Malformed
from .lowering import LOWERINGS
from .lowering.movement import UNREAD_INPUTS
from .model import Graph, Operator, Tensor, read_model
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
class PlanSize:
    """What decides whether a plan fits a board."""

    blob_bytes: int
    arena_bytes: int
    input_bytes: int
    kernels: frozenset[str]
    """The kinds of step that the blob has: what the firmware must hold to run it."""


@dataclass(frozen=True)
class Plan:
    """`blob` runs on any of the boards, and on the host."""

    blob: bytes
    arena_bytes: int
    inputs: tuple[PlanTensor, ...]
    outputs: tuple[PlanTensor, ...]
    operators: tuple[PlanOperator, ...]

    @property
    def size(self) -> PlanSize:
        """What decides whether it fits a board."""
        return PlanSize(len(self.blob), self.arena_bytes, self.input_bytes, self.kernels)

    @property
    def kernels(self) -> frozenset[str]:
        """The kinds of step that the blob has."""
        return frozenset(kernel for operator in self.operators for kernel in operator.kernels)

    @property
    def input_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.inputs)

    @property
    def output_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.outputs)


# What these do is not seen by their outputs alone.
_ALWAYS_NEEDED = ("ASSIGN_VARIABLE", "CALL_ONCE", "IF", "WHILE")


def needed_operators(graph: Graph) -> set[int]:
    """Operators that an output or a variable depends on; the arithmetic behind a reshape's target shape, say, is not
    among them."""
    needed_tensors = {tensor.index for tensor in graph.outputs}
    needed: set[int] = set()
    for operator in reversed(graph.operators):
        unneeded = needed_tensors.isdisjoint(tensor.index for tensor in operator.outputs)
        if unneeded and operator.name not in _ALWAYS_NEEDED:
            continue
        needed.add(operator.index)
        needed_tensors.update(tensor.index for tensor in read_inputs(operator))
    return needed


def read_inputs(operator: Operator) -> Iterator[Tensor]:
    """Inputs whose values are read."""
    unread = UNREAD_INPUTS.get(operator.name, ())
    yield from (t for i, t in enumerate(operator.inputs) if t is not None and i not in unread)


def lower(operator: Operator, build: Builder) -> None:
    """One operator into steps. Raises `PlanRefused`."""
    build.advance(operator)
    lowering = LOWERINGS.get(operator.name)
    if lowering is None:
        message = f"The plan runtime has no kernel for {operator.name} (operator {operator.place})."
        raise OperatorUnsupported(operator.name, message)
    for tensor in (*read_inputs(operator), *operator.outputs):
        if tensor.fault:
            raise PlanRefused(f"{operator.label}: {tensor.label} has {tensor.fault}.")
    try:
        # Scales from a damaged file may overflow on the way to a check that refuses them.
        with np.errstate(all="ignore"):
            lowering(operator, build)
    except Malformed as error:
        raise PlanRefused(f"{operator.label} is not readable: {error}.") from None
    except (ArithmeticError, ValueError):
        raise PlanRefused(f"{operator.label} has scales or options that no arithmetic can use.") from None


def lower_graph(graph: Graph, build: Builder) -> None:
    """Every operator of a subgraph that is needed. Raises `PlanRefused`."""
    needed = needed_operators(graph)
    for operator in graph.operators:
        if operator.index in needed:
            lower(operator, build)


def plan_model(tflite: bytes) -> Plan:
    """Plans a model. Raises `PlanRefused` (of which `OperatorUnsupported` is one) with a sentence that says why not."""
    model = read_model(tflite)
    build = Builder(model, lower_graph)
    build.add_inputs()
    lower_graph(model.main, build)
    blob = build.serialise()
    return Plan(
        blob,
        build.arena_bytes,
        tuple(_describe(tensor) for tensor in model.main.inputs),
        tuple(_describe(tensor) for tensor in model.main.outputs),
        tuple(_describe_operator(operator, build) for operator in model.main.operators),
    )


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
