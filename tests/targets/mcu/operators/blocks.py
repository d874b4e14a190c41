"""Blocks of pixels that become channels or batches, and back."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_quantised, draw_shape


def space_to_depth(name: str) -> Maker:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        (batches, height, width, channels), block = draw_shape(random, 4, 5), int(random.integers(1, 4))
        quantised = draw_quantised(random, dtype)
        fine = (batches, height * block, width * block, channels)
        coarse = (batches, height, width, channels * block * block)
        first, second = (fine, coarse) if name == "SPACE_TO_DEPTH" else (coarse, fine)
        source, target = model.input(first, dtype, **quantised), model.output(second, dtype, **quantised)
        options_type = "SpaceToDepthOptions" if name == "SPACE_TO_DEPTH" else "DepthToSpaceOptions"
        model.operator(name, [source], [target], options_type, {0: ("i", block)})
        return model

    return make


def space_to_batch(name: str) -> Maker:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        axes = int(random.integers(1, 3))
        batches, channels = draw_shape(random, 2, 4)
        blocks = [int(v) for v in random.integers(1, 4, axes)]
        coarse = [int(v) for v in random.integers(1, 5, axes)]
        padded = [size * block for size, block in zip(coarse, blocks, strict=True)]
        amounts = np.array([_parts(random, size - 1) for size in padded], np.int32)
        if name == "SPACE_TO_BATCH_ND":
            amounts[:] = 0  # what Micro puts around an image is not defined: see test_exactness.py
        fine = [size - int(around.sum()) for size, around in zip(padded, amounts, strict=True)]
        quantised = draw_quantised(random, dtype)
        shapes = [(batches, *fine, channels), (batches * int(np.prod(blocks)), *coarse, channels)]
        if name == "BATCH_TO_SPACE_ND":
            shapes.reverse()
        source, target = model.input(shapes[0], dtype, **quantised), model.output(shapes[1], dtype, **quantised)
        constants = [model.constant(np.array(blocks, np.int32)), model.constant(amounts)]
        options_type = "SpaceToBatchNDOptions" if name == "SPACE_TO_BATCH_ND" else "BatchToSpaceNDOptions"
        model.operator(name, [source, *constants], [target], options_type)
        return model

    return make


def _parts(random: Random, most: int) -> list[int]:
    """Amounts before and after that leave something between."""
    before = int(random.integers(0, min(most, 3) + 1))
    return [before, int(random.integers(0, min(most - before, 3) + 1))]


MAKERS: dict[str, Maker] = {
    **{name: space_to_depth(name) for name in ("SPACE_TO_DEPTH", "DEPTH_TO_SPACE")},
    **{name: space_to_batch(name) for name in ("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND")},
}
