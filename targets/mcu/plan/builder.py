"""Collects the steps, constants and buffers of a plan while operators are lowered, and serialises them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arena import Storage, lay_out
from .format import ALIGNMENT, BUFFER_WORDS, CONSTANT_BIT, HEADER_WORDS, MAGIC, VERSION, Buffer, pack_step
from .model import Model, Tensor
from .refusal import PlanRefused


@dataclass(frozen=True)
class Place:
    """Bytes of a buffer: a storage of the arena, or the constants where `storage` is None."""

    storage: Storage | None
    offset: int

    def shifted(self, nbytes: int) -> Place:
        return Place(self.storage, self.offset + nbytes)

    def resolve(self) -> int:
        return CONSTANT_BIT | self.offset if self.storage is None else self.storage.offset + self.offset


FieldValue = int | float | Place | Sequence[int]


@dataclass
class _Step:
    name: str
    operator_index: int
    values: Mapping[str, FieldValue]


@dataclass
class Builder:
    """One model's plan in the making. `current` is the operator being lowered."""

    model: Model
    current: int = 0
    _steps: list[_Step] = field(default_factory=list)
    _constants: bytearray = field(default_factory=bytearray)
    _constant_places: dict[bytes, int] = field(default_factory=dict)
    _places: dict[int, Place] = field(default_factory=dict)
    _storages: list[Storage] = field(default_factory=list)
    _states: list[tuple[Storage, int]] = field(default_factory=list)
    arena_bytes: int = 0

    @property
    def _end(self) -> int:
        return len(self.model.operators)

    def add_inputs(self) -> None:
        for tensor in self.model.inputs:
            if tensor.constant is not None or tensor.index in self._places:
                raise PlanRefused(f"{tensor.label} is an input of the model twice, or a constant one.")
            self._places[tensor.index] = Place(self._new_storage(tensor.nbytes, -1, -1), 0)

    def _new_storage(self, nbytes: int, first: int, last: int) -> Storage:
        storage = Storage(nbytes, first, last)
        self._storages.append(storage)
        return storage

    def constant(self, data: bytes | NDArray[Any]) -> Place:
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
        return Place(None, self._constant_places[raw])

    def read(self, tensor: Tensor) -> Place:
        """Where the current operator finds a tensor."""
        if tensor.constant is not None:
            return self.constant(tensor.constant)
        place = self._places.get(tensor.index)
        if place is None:
            raise PlanRefused(f"{tensor.label} is read by operator {self.current} before anything writes it.")
        if place.storage is not None:
            place.storage.last = max(place.storage.last, self.current)
        return place

    def write(self, tensor: Tensor) -> Place:
        """Room for a tensor that the current operator computes."""
        if tensor.constant is not None or tensor.index in self._places:
            raise PlanRefused(f"{tensor.label} is written twice, or is a constant.")
        self._places[tensor.index] = Place(self._new_storage(tensor.nbytes, self.current, self.current), 0)
        return self._places[tensor.index]

    def assume(self, tensors: Sequence[Tensor]) -> None:
        """Lets later operators read tensors of an operator that could not be lowered."""
        for tensor in tensors:
            self._places.setdefault(
                tensor.index, Place(self._new_storage(tensor.nbytes, self.current, self.current), 0)
            )

    def alias(self, tensor: Tensor, source: Tensor, offset: int = 0) -> None:
        """`tensor` is the bytes of `source` from `offset` on: no step, no room of its own."""
        if tensor.constant is not None or tensor.index in self._places:
            raise PlanRefused(f"{tensor.label} is written twice, or is a constant.")
        self._places[tensor.index] = self.read(source).shifted(offset)

    def know(self, tensor: Tensor, values: NDArray[Any]) -> None:
        """A tensor whose values the planner has computed: it is a constant of the plan."""
        if tensor.constant is not None or tensor.index in self._places:
            raise PlanRefused(f"{tensor.label} is written twice, or is a constant.")
        self._places[tensor.index] = self.constant(values)

    def state(self, tensor: Tensor, fill: int) -> Place:
        """A variable tensor: every inference starts with each of its bytes equal to `fill`."""
        if tensor.index not in self._places:
            storage = self._new_storage(tensor.nbytes, -1, self._end)
            self._states.append((storage, fill))
            self._places[tensor.index] = Place(storage, 0)
        return self._places[tensor.index]

    def scratch(self, nbytes: int) -> Place:
        return Place(self._new_storage(nbytes, self.current, self.current), 0)

    def step(self, name: str, **values: FieldValue) -> None:
        self._steps.append(_Step(name, self.current, values))

    def steps_of(self, operator_index: int) -> list[str]:
        return [step.name for step in self._steps if step.operator_index == operator_index]

    def _output_places(self) -> list[Place]:
        self.current = self._end
        return [self.read(tensor) for tensor in self.model.outputs]

    def _pack(self, step: _Step) -> bytes:
        values = {k: v.resolve() if isinstance(v, Place) else v for k, v in step.values.items()}
        try:
            return pack_step(step.name, step.operator_index, values)
        except (struct.error, OverflowError):
            label = self.model.operators[step.operator_index].label
            raise PlanRefused(f"{label} has a number that does not fit 32 bits.") from None

    def serialise(self) -> bytes:
        """Lays out the arena and returns the plan."""
        output_places = self._output_places()
        self.arena_bytes = lay_out(self._storages)
        inputs = [Buffer(self._places[t.index].resolve(), t.nbytes) for t in self.model.inputs]
        outputs = [Buffer(p.resolve(), t.nbytes) for p, t in zip(output_places, self.model.outputs, strict=True)]
        states = [Buffer(storage.offset, storage.nbytes, fill) for storage, fill in self._states]
        steps = b"".join(self._pack(step) for step in self._steps)
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
                len(self.model.operators),
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
