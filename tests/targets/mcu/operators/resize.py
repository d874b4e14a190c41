"""Images of another size."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_quantised, draw_shape


def resize(name: str, options_type: str, slot: int) -> Maker:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        batches, height, width, channels = draw_shape(random, 4, 9)
        factor = int(random.integers(1, 4))
        whole = random.random() < 0.5
        size = [height * factor, width * factor] if whole else [int(v) for v in random.integers(1, 20, 2)]
        align, half = [(False, False), (True, False), (False, True)][int(random.integers(0, 3))]
        quantised = draw_quantised(random, dtype)
        source = model.input((batches, height, width, channels), dtype, **quantised)
        target = model.output((batches, *size, channels), dtype, **quantised)
        wanted = model.constant(np.array(size, np.int32))
        options = {slot: ("?", align), slot + 1: ("?", half)}
        model.operator(name, [source, wanted], [target], options_type, options)
        return model

    return make


MAKERS: dict[str, Maker] = {
    "RESIZE_BILINEAR": resize("RESIZE_BILINEAR", "ResizeBilinearOptions", 2),
    "RESIZE_NEAREST_NEIGHBOR": resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions", 0),
}
