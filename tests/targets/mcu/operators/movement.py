"""Operators that move bytes."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_quantised, draw_shape, draw_values


def pad(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    rank = int(random.integers(1, 5))
    shape, quantised = draw_shape(random, rank), draw_quantised(random, dtype)
    amounts = random.integers(0, 4, (rank, 2)).astype(np.int32)
    source = model.input(shape, dtype, **quantised)
    inputs = [source, model.constant(amounts)]
    name = "PAD"
    if random.random() < 0.5:
        name = "PADV2"
        inputs.append(model.constant(draw_values(random, (1,), dtype), **quantised))
    target = model.output(tuple(int(d) for d in np.array(shape) + amounts.sum(axis=1)), dtype, **quantised)
    model.operator(name, inputs, [target], "PadOptions" if name == "PAD" else "PadV2Options")
    return model


def concatenation(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = list(draw_shape(random, int(random.integers(1, 5)))), draw_quantised(random, dtype)
    axis = int(random.integers(0, len(shape)))
    sizes = [int(s) for s in random.integers(1, 6, int(random.integers(1, 5)))]
    inputs = [model.input((*shape[:axis], size, *shape[axis + 1 :]), dtype, **quantised) for size in sizes]
    target = model.output((*shape[:axis], sum(sizes), *shape[axis + 1 :]), dtype, **quantised)
    signed = axis - len(shape) if random.random() < 0.3 else axis
    model.operator("CONCATENATION", inputs, [target], "ConcatenationOptions", {0: ("i", signed)})
    return model


def pack(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = draw_shape(random, int(random.integers(0, 4))), draw_quantised(random, dtype)
    axis, count = int(random.integers(0, len(shape) + 1)), int(random.integers(1, 5))
    inputs = [model.input(shape, dtype, **quantised) for _ in range(count)]
    target = model.output((*shape[:axis], count, *shape[axis:]), dtype, **quantised)
    signed = axis - len(shape) - 1 if random.random() < 0.3 else axis
    model.operator("PACK", inputs, [target], "PackOptions", {0: ("i", count), 1: ("i", signed)})
    return model


def strided_slice(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    rank = int(random.integers(1, 5))
    shape, quantised = draw_shape(random, rank, 9), draw_quantised(random, dtype)
    begins, ends, strides, counts = [], [], [], []
    begin_mask = end_mask = shrink_mask = 0
    for axis, size in enumerate(shape):
        step = int(random.choice([1, 1, 2, 3, -1, -2]))
        start, stop = sorted(int(v) for v in random.integers(0, size + 1, 2))
        start, stop = (start, stop) if step > 0 else (stop - 1, start - 1)
        picked = list(range(size))[start : stop if stop >= 0 else None : step] if start >= 0 else []
        shrink = random.random() < 0.15
        if shrink:
            start, step, picked = int(random.integers(0, size)), 1, [0]
            stop, shrink_mask = start + 1, shrink_mask | 1 << axis
        elif not picked or stop < 0 or random.random() < 0.3:
            begin_mask, end_mask = begin_mask | 1 << axis, end_mask | 1 << axis
            picked = list(range(size))[::step]
        begins.append(start)
        ends.append(stop)
        strides.append(step)
        if not shrink:
            counts.append(len(picked))
    source = model.input(shape, dtype, **quantised)
    bounds = [model.constant(np.array(v, np.int32)) for v in (begins, ends, strides)]
    target = model.output(counts, dtype, **quantised)
    options = {0: ("i", begin_mask), 1: ("i", end_mask), 4: ("i", shrink_mask)}
    model.operator("STRIDED_SLICE", [source, *bounds], [target], "StridedSliceOptions", options)
    return model


def transpose(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    rank = int(random.integers(1, 6))
    shape, quantised = draw_shape(random, rank), draw_quantised(random, dtype)
    order = [int(i) for i in random.permutation(rank)]
    source = model.input(shape, dtype, **quantised)
    target = model.output([shape[i] for i in order], dtype, **quantised)
    permutation = model.constant(np.array(order, np.int32))
    model.operator("TRANSPOSE", [source, permutation], [target], "TransposeOptions")
    return model


def reshape(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = draw_shape(random, 3), draw_quantised(random, dtype)
    target_shape = (shape[0] * shape[1], shape[2])
    source = model.input(shape, dtype, **quantised)
    target = model.output(target_shape, dtype, **quantised)
    model.operator("RESHAPE", [source, model.constant(np.array(target_shape, np.int32))], [target], "ReshapeOptions")
    return model


def mirror_pad(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = draw_shape(random, int(random.integers(1, 5))), draw_quantised(random, dtype)
    symmetric = int(random.integers(0, 2))
    amounts = np.array([[int(random.integers(0, size + symmetric)) for _ in range(2)] for size in shape], np.int32)
    source = model.input(shape, dtype, **quantised)
    target = model.output(tuple(int(d) for d in np.array(shape) + amounts.sum(axis=1)), dtype, **quantised)
    options = {0: ("b", symmetric)}
    model.operator("MIRROR_PAD", [source, model.constant(amounts)], [target], "MirrorPadOptions", options)
    return model


def slice_out(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = draw_shape(random, int(random.integers(1, 6)), 8), draw_quantised(random, dtype)
    begins = [int(random.integers(0, size)) for size in shape]
    counts = [int(random.integers(1, size - begin + 1)) for size, begin in zip(shape, begins, strict=True)]
    to_the_end = [begin + count == size for size, begin, count in zip(shape, begins, counts, strict=True)]
    sizes = [-1 if end and random.random() < 0.5 else c for end, c in zip(to_the_end, counts, strict=True)]
    source = model.input(shape, dtype, **quantised)
    bounds = [model.constant(np.array(values, np.int32)) for values in (begins, sizes)]
    model.operator("SLICE", [source, *bounds], [model.output(counts, dtype, **quantised)], "SliceOptions")
    return model


def reverse(random: Random, dtype: str) -> ModelWriter:
    """Neighbouring axes: Micro refuses others."""
    model = ModelWriter()
    rank = int(random.integers(1, 5))
    shape, quantised = draw_shape(random, rank), draw_quantised(random, dtype)
    first = int(random.integers(0, rank))
    axes = np.arange(first, int(random.integers(first + 1, rank + 1)), dtype=np.int32)
    source, target = model.input(shape, dtype, **quantised), model.output(shape, dtype, **quantised)
    model.operator("REVERSE_V2", [source, model.constant(axes)], [target], "ReverseV2Options")
    return model


def broadcast_to(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = draw_shape(random, int(random.integers(1, 5))), draw_quantised(random, dtype)
    part = tuple(1 if random.random() < 0.5 else d for d in shape)[int(random.integers(0, len(shape))) :]
    source, target = model.input(part, dtype, **quantised), model.output(shape, dtype, **quantised)
    wanted = model.constant(np.array(shape, np.int32))
    model.operator("BROADCAST_TO", [source, wanted], [target], "BroadcastToOptions")
    return model


MAKERS: dict[str, Maker] = {
    "PAD": pad,
    "CONCATENATION": concatenation,
    "PACK": pack,
    "STRIDED_SLICE": strided_slice,
    "TRANSPOSE": transpose,
    "RESHAPE": reshape,
    "MIRROR_PAD": mirror_pad,
    "SLICE": slice_out,
    "REVERSE_V2": reverse,
    "BROADCAST_TO": broadcast_to,
}
