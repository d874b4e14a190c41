"""Operators with a state."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_quantised, draw_scale, draw_values


def lstm(random: Random, dtype: str, **output_q: float | int) -> ModelWriter:
    """`output_q`: the output's quantisation where it is not that of the hidden state."""
    model = ModelWriter()
    batches, time_steps, features, units = (int(v) for v in random.integers(1, 9, 4))
    time_major = bool(random.random() < 0.3)
    lead = (time_steps, batches) if time_major else (batches, time_steps)
    integers = dtype != "float32"
    source = model.input((*lead, features), dtype, **draw_quantised(random, dtype))
    hidden_q = {"scale": 1 / 128, "zero_point": int(random.integers(-20, 20))} if integers else {}
    if dtype == "int16":
        hidden_q = {"scale": 1 / 32768, "zero_point": 0}

    def weights(columns: int) -> int:
        if not integers:
            return model.constant(draw_values(random, (units, columns), dtype, 0.4))
        values = draw_values(random, (units, columns), "int8")
        return model.constant(values, scale=draw_scale(random, 1e-3, 2e-2))

    def bias() -> int:
        if not integers:
            return model.constant(draw_values(random, units, dtype, 0.2))
        values = random.integers(-2000, 2000, units)
        return model.constant(values.astype(np.int32 if dtype == "int8" else np.int64), scale=1e-4)

    inputs = [source, *(weights(features) for _ in range(4)), *(weights(units) for _ in range(4)), -1, -1, -1]
    inputs += [*(bias() for _ in range(4)), -1, -1]
    inputs.append(model.tensor((batches, units), dtype, is_variable=True, **hidden_q))
    cell_q = {"scale": float(2.0 ** -int(random.integers(9, 14)))} if integers else {}
    inputs.append(model.tensor((batches, units), "int16" if integers else dtype, is_variable=True, **cell_q))
    inputs += [-1] * 4
    target = model.output((*lead, units), dtype, **{**hidden_q, **output_q})
    options = {0: ("b", 4), 1: ("f", float(random.choice([0.0, 10.0, 0.5]))), 3: ("?", time_major)}
    name = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    model.operator(name, inputs, [target], "UnidirectionalSequenceLSTMOptions", options)
    return model


def _svdf_float(random: Random) -> ModelWriter:
    model = ModelWriter()
    batches, features, units, rank, memory = (int(v) for v in random.integers(1, 9, 5))
    filters = units * rank
    source, target = model.input((batches, features), "float32"), model.output((batches, units), "float32")
    weights = [model.constant(draw_values(random, (filters, size), "float32", 0.5)) for size in (features, memory)]
    bias = model.constant(draw_values(random, (units,), "float32"))
    state = model.tensor((batches, filters * memory), "float32", is_variable=True)
    options = {0: ("i", rank), 1: ("b", int(random.choice([0, 1])))}
    model.operator("SVDF", [source, *weights, bias, state], [target], "SVDFOptions", options)
    return model


def svdf(random: Random, dtype: str) -> ModelWriter:
    """float32, or int8 with a memory of int16 or int8."""
    if dtype == "float32":
        return _svdf_float(random)
    fine = bool(random.random() < 0.6)
    memory_dtype = "int16" if fine else "int8"
    model = ModelWriter()
    batches, features, units, rank, memory = (int(v) for v in random.integers(1, 9, 5))
    filters = units * rank
    source_q, target_q = draw_quantised(random, "int8"), draw_quantised(random, "int8")
    source = model.input((batches, features), "int8", **source_q)
    feature_scale, state_scale, time_scale = draw_scale(random, 1e-3, 2e-2), draw_scale(random, 1e-4, 1e-3), 2.0**-15
    target_q["scale"] = float(np.float32(source_q["scale"] * feature_scale * 5000 * np.sqrt(features * rank) / 127))
    state_q = {"scale": state_scale}
    if not fine:
        state_scale, time_scale = state_scale * 256, 2.0**-7
        state_q = {"scale": state_scale, "zero_point": int(random.integers(-9, 10))}
    weights = model.constant(draw_values(random, (filters, features), "int8"), scale=feature_scale)
    over_time = model.constant(draw_values(random, (filters, memory), memory_dtype), scale=time_scale)
    bias_scale = float(np.float32(state_scale) * np.float32(time_scale))
    bias = model.constant(random.integers(-(10**6), 10**6, units).astype(np.int32), scale=bias_scale)
    state = model.tensor((batches, filters * memory), memory_dtype, is_variable=True, **state_q)
    target = model.output((batches, units), "int8", **target_q)
    options = {0: ("i", rank), 1: ("b", 1)}
    model.operator("SVDF", [source, weights, over_time, bias, state], [target], "SVDFOptions", options)
    return model


MAKERS: dict[str, Maker] = {"UNIDIRECTIONAL_SEQUENCE_LSTM": lstm, "SVDF": svdf}
