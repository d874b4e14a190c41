"""Collects the steps, constants and buffers of a plan while operators are lowered, and serialises them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arena import Storage, lay_out
from .format import (
    ALIGNMENT,
    BUFFER_WORDS,
    CONSTANT_BIT,
    HEADER_WORDS,
    MAGIC,
    VERSION,
    Buffer,
    pack_step,
    step_word_count,
)
from .model import TENSOR_TYPES, Graph, Model, Operator, Tensor
from .refusal import PlanRefused


@dataclass(frozen=True)
class BufferPosition:
    """Bytes of a buffer: a storage of the arena, or the constants where `storage` is None."""

    storage: Storage | None
    offset: int

    def shifted(self, nbytes: int) -> BufferPosition:
        return BufferPosition(self.storage, self.offset + nbytes)

    def resolve(self) -> int:
        return CONSTANT_BIT | self.offset if self.storage is None else self.storage.offset + self.offset


@dataclass(eq=False)
class Label:
    """A place between steps that a branch may go to: the number of the step that follows it."""

    step: int = -1


FieldValue = int | float | BufferPosition | Label | Sequence[int]
_END = 1 << 30
"""Later than any operator: outputs and states live until then."""
_OPERATORS_LIMIT = 1 << 16


@dataclass
class _Step:
    name: str
    operator_index: int
    values: Mapping[str, FieldValue]


@dataclass(frozen=True)
class Variable:
    """A resource variable of the file, which every subgraph knows by the same name. `nbytes` and `fill`, the byte that
    it starts with, are None and 0 where nothing is ever assigned to it."""

    number: int
    container: str | None
    name: str
    nbytes: int | None
    fill: int


@dataclass
class Scope:
    """The tensors of one subgraph as it is inlined at one place: where they are, the values of those that the planner
    computed, and the variables that they name."""

    graph: Graph
    places: dict[int, BufferPosition] = field(default_factory=dict)
    known: dict[int, NDArray[Any]] = field(default_factory=dict)
    variables: dict[int, Variable] = field(default_factory=dict)


@dataclass
class Builder:
    """One model's plan in the making: subgraphs are inlined where an operator calls them.

    `operator` is being lowered and `time` is its number among all that are; `owner` is the operator of the main
    subgraph whose work it is. `lower_graph` lowers every operator of a subgraph.
    """

    model: Model
    lower_graph: Callable[[Graph, Builder], None]
    operator: Operator | None = None
    owner: int = 0
    time: int = -1
    scopes: list[Scope] = field(default_factory=list)
    variables: list[Variable] | None = None
    arena_bytes: int = 0
    _steps: list[_Step] = field(default_factory=list)
    _constants: bytearray = field(default_factory=bytearray)
    _constant_places: dict[bytes, int] = field(default_factory=dict)
    _storages: list[Storage] = field(default_factory=list)
    _states: list[tuple[Storage, int]] = field(default_factory=list)
    _named_states: dict[tuple[int, int, str], BufferPosition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scopes.append(Scope(self.model.main))

    @property
    def scope(self) -> Scope:
        """The scope of the subgraph that is being lowered."""
        return self.scopes[-1]

    @property
    def _places(self) -> dict[int, BufferPosition]:
        return self.scope.places

    @property
    def _label(self) -> str:
        return "the model" if self.operator is None else self.operator.label

    def add_inputs(self) -> None:
        for tensor in self.model.main.inputs:
            if tensor.fault:
                raise PlanRefused(f"{tensor.label}, an input of the model, has {tensor.fault}.")
            if tensor.constant is not None or tensor.index in self._places:
                raise PlanRefused(f"{tensor.label} is an input of the model twice, or a constant one.")
            self._places[tensor.index] = BufferPosition(self._new_storage(tensor.nbytes, -1, -1), 0)

    def advance(self, operator: Operator) -> None:
        """The next operator, or the next part of one that has several in time."""
        self.operator = operator
        self.time += 1
        if self.time > _OPERATORS_LIMIT:
            raise PlanRefused(f"The model runs more than {_OPERATORS_LIMIT} operators where its subgraphs are inlined.")
        if len(self.scopes) == 1:
            self.owner = operator.index

    @contextmanager
    def inside(self, graph: Graph) -> Iterator[Scope]:
        """A subgraph that is inlined here, in a scope of its own."""
        if any(scope.graph.index == graph.index for scope in self.scopes):
            raise PlanRefused(f"{self._label} calls subgraph {graph.index}, which it is in itself.")
        self.scopes.append(Scope(graph))
        try:
            yield self.scope
        finally:
            self.scopes.pop()

    def extend_lifetimes(self, since: int) -> None:
        """What was there before `since` and was read after it is kept until now: a loop reads it again."""
        for storage in self._storages:
            if storage.first < since <= storage.last:
                storage.last = max(storage.last, self.time)

    def _new_storage(self, nbytes: int, first: int, last: int) -> Storage:
        storage = Storage(nbytes, first, last)
        self._storages.append(storage)
        return storage

    def constant(self, data: bytes | NDArray[Any]) -> BufferPosition:
        """Bytes in the constants, 16-byte aligned; equal bytes are kept once."""
        raw = (
            data
            if isinstance(data, bytes)
            else np.ascontiguousarray(data).astype(data.dtype.newbyteorder("<")).tobytes()
        )
        if raw not in self._constant_places:
            self._constants.extend(bytes(-len(self._constants) % ALIGNMENT))
            self._constant_places[raw] = len(self._constants)
            self._constants.extend(raw)
        return BufferPosition(None, self._constant_places[raw])

    def read(self, tensor: Tensor) -> BufferPosition:
        """Where the current operator finds a tensor."""
        if tensor.constant is not None:
            return self.constant(tensor.constant)
        place = self._places.get(tensor.index)
        if place is None:
            raise PlanRefused(f"{tensor.label} is read by {self._label} before anything writes it.")
        return self.touch(place)

    def touch(self, place: BufferPosition) -> BufferPosition:
        """The place, which is in use now."""
        if place.storage is not None:
            place.storage.last = max(place.storage.last, self.time)
        return place

    def allocate(self, tensor: Tensor) -> BufferPosition:
        """Room for a tensor that the current operator computes."""
        if tensor.constant is not None or tensor.index in self._places:
            raise PlanRefused(f"{tensor.label} is written twice, or is a constant.")
        self._places[tensor.index] = BufferPosition(self._new_storage(tensor.nbytes, self.time, self.time), 0)
        return self._places[tensor.index]

    def place_without_lowering(self, tensors: Sequence[Tensor]) -> None:
        """Lets later operators read tensors of an operator that could not be lowered."""
        for tensor in tensors:
            nbytes = 0 if tensor.fault or tensor.dtype not in TENSOR_TYPES.values() else tensor.nbytes
            self._places.setdefault(tensor.index, BufferPosition(self._new_storage(nbytes, self.time, self.time), 0))

    def alias(self, tensor: Tensor, source: Tensor, offset: int = 0) -> None:
        """`tensor` is the bytes of `source` from `offset` on: no step, no room of its own."""
        if tensor.constant is not None or tensor.index in self._places:
            raise PlanRefused(f"{tensor.label} is written twice, or is a constant.")
        self._places[tensor.index] = self.read(source).shifted(offset)

    def set_constant(self, tensor: Tensor, values: NDArray[Any]) -> None:
        """A tensor whose values the planner has computed: it is a constant of the plan."""
        if tensor.constant is not None or tensor.index in self._places:
            raise PlanRefused(f"{tensor.label} is written twice, or is a constant.")
        self._places[tensor.index] = self.constant(values)
        self.scope.known[tensor.index] = values

    def values(self, tensor: Tensor) -> NDArray[Any] | None:
        """The values of a constant, or of a tensor that the planner has computed. None for any other tensor."""
        return self.scope.known.get(tensor.index) if tensor.constant is None else tensor.constant

    def bind(self, tensor: Tensor, place: BufferPosition) -> None:
        """`tensor`, an input of the subgraph that is being lowered, is at `place`."""
        if tensor.constant is not None or tensor.index in self._places:
            raise PlanRefused(f"{tensor.label} is an input of its subgraph twice, or a constant one.")
        self._places[tensor.index] = place

    def state(self, tensor: Tensor, fill: int) -> BufferPosition:
        """A variable tensor: every inference starts with each of its bytes equal to `fill`."""
        return self.named_state((tensor.graph, tensor.index, "tensor"), tensor.nbytes, fill)

    def named_state(self, name: tuple[int, int, str], nbytes: int, fill: int) -> BufferPosition:
        """A state of that name, as `state` gives it: the same one wherever the subgraph that has it is inlined."""
        if name not in self._named_states:
            storage = self._new_storage(nbytes, -1, _END)
            self._states.append((storage, fill))
            self._named_states[name] = BufferPosition(storage, 0)
        return self._named_states[name]

    def scratch(self, nbytes: int) -> BufferPosition:
        return BufferPosition(self._new_storage(nbytes, self.time, self.time), 0)

    def step(self, name: str, **values: FieldValue) -> None:
        self._steps.append(_Step(name, self.owner, values))

    def place_label(self, label: Label) -> None:
        """The step that comes next is where branches to `label` go."""
        label.step = len(self._steps)

    def steps_of(self, operator_index: int) -> list[str]:
        return [step.name for step in self._steps if step.operator_index == operator_index]

    def _output_places(self) -> list[BufferPosition]:
        self.operator, self.time = None, _END
        return [self.read(tensor) for tensor in self.model.main.outputs]

    def _starts(self) -> list[int]:
        """Starts of each step, and of the end, in bytes from the first step."""
        starts = [0]
        for step in self._steps:
            starts.append(starts[-1] + 4 * step_word_count(step.name))
        return starts

    def _pack(self, step: _Step, starts: list[int]) -> bytes:
        values: dict[str, int | float | Sequence[int]] = {}
        for name, value in step.values.items():
            if isinstance(value, Label):
                values |= {f"{name}_step": value.step, f"{name}_offset": starts[value.step]}
            else:
                values[name] = value.resolve() if isinstance(value, BufferPosition) else value
        try:
            return pack_step(step.name, step.operator_index, values)
        except (struct.error, OverflowError):
            label = self.model.main.operators[step.operator_index].label
            raise PlanRefused(f"{label} has a number that does not fit 32 bits.") from None

    def serialise(self) -> bytes:
        """Lays out the arena and returns the plan."""
        output_places = self._output_places()
        self.arena_bytes = lay_out(self._storages)
        inputs = [Buffer(self._places[t.index].resolve(), t.nbytes) for t in self.model.main.inputs]
        outputs = [Buffer(p.resolve(), t.nbytes) for p, t in zip(output_places, self.model.main.outputs, strict=True)]
        states = [Buffer(storage.offset, storage.nbytes, fill) for storage, fill in self._states]
        starts = self._starts()
        steps = b"".join(self._pack(step, starts) for step in self._steps)
        tables = inputs + outputs + states
        inputs_offset = 4 * HEADER_WORDS
        outputs_offset = inputs_offset + 4 * BUFFER_WORDS * len(inputs)
        states_offset = outputs_offset + 4 * BUFFER_WORDS * len(outputs)
        steps_offset = states_offset + 4 * BUFFER_WORDS * len(states)
        body = b"".join(buffer.pack() for buffer in tables) + steps
        body += bytes(-(inputs_offset + len(body)) % ALIGNMENT)
        constants_offset = inputs_offset + len(body)
        constants = bytes(self._constants) + bytes(-len(self._constants) % ALIGNMENT)
        checked = (
            struct.pack(
                "<12I",
                self.arena_bytes,
                len(self.model.main.operators),
                len(inputs),
                inputs_offset,
                len(outputs),
                outputs_offset,
                len(states),
                states_offset,
                len(self._steps),
                steps_offset,
                constants_offset,
                len(constants),
            )
            + body
            + constants
        )
        total = 16 + len(checked)
        return struct.pack("<4I", MAGIC, VERSION, total, zlib.crc32(checked)) + checked
