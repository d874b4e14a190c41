"""Windows without weights."""

from __future__ import annotations

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_activation, draw_quantised, draw_spatial


def pooling(name: str) -> Maker:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        height, width, padding, (out_height, out_width) = draw_spatial(random, dilated=False)
        channels, batches = int(random.integers(1, 12)), int(random.choice([1, 2]))
        quantised = draw_quantised(random, dtype)
        source = model.input((batches, height[0], width[0], channels), dtype, **quantised)
        target = model.output((batches, out_height, out_width, channels), dtype, **quantised)
        options = {
            0: ("b", padding), 1: ("i", width[2]), 2: ("i", height[2]), 3: ("i", width[1]), 4: ("i", height[1]),
            5: ("b", draw_activation(random)),
        }  # fmt: skip
        model.operator(name, [source], [target], "Pool2DOptions", options)
        return model

    return make


FLOAT_ALONE = ("L2_POOL_2D",)


def float_alone(name: str) -> Maker:
    """float32, whichever the test asks for: Micro has nothing else."""
    return lambda random, dtype: pooling(name)(random, "float32")


MAKERS: dict[str, Maker] = {
    **{name: pooling(name) for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D")},
    **{name: float_alone(name) for name in FLOAT_ALONE},
}
