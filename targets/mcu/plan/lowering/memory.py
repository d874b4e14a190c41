"""SVDF: a layer with a memory of the last inputs, filter by filter.

Every inference starts from an empty memory, unless the inputs of a job are one sequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..builder import Builder
from ..fixed_point import quantise_multiplier
from ..model import Operator, Tensor
from .checks import (
    FLOAT_MAX,
    activation_range_float,
    dimensions_fit,
    operand,
    optional_operand,
    own_zero_point,
    refusal,
    result,
    unsupported_error,
)

_FEATURE_WEIGHTS, _TIME_WEIGHTS, _BIAS, _STATE = 1, 2, 3, 4
_RELU = 1
_LIMIT = 1 << 30


def _constant(operator: Operator, index: int, dtype: str) -> NDArray[Any]:
    tensor = operand(operator, index)
    if tensor.constant is None or tensor.dtype != dtype:
        raise unsupported_error(operator, f"an input {index} that is not a constant of {dtype}")
    return tensor.constant


def lower_svdf(operator: Operator, build: Builder) -> None:
    """Lowers SVDF, whose state is a variable tensor. Raises `PlanRefused`."""
    source, target, state = operand(operator, 0, 2), result(operator), operand(operator, _STATE)
    types = (source.dtype, target.dtype, state.dtype)
    if types not in (("int8", "int8", "int8"), ("int8", "int8", "int16"), ("float32", "float32", "float32")):
        raise unsupported_error(operator, f"{source.dtype} input, {target.dtype} output and a state of {state.dtype}")
    if not state.is_variable:
        raise refusal(operator, "its state is not a variable tensor")
    if source.dtype == "int8" and operator.integer(1) not in (0, _RELU):
        raise unsupported_error(operator, f"fused activation {operator.integer(1)}")
    features = _constant(operator, _FEATURE_WEIGHTS, source.dtype)
    over_time = _constant(operator, _TIME_WEIGHTS, state.dtype)
    rank = operator.integer(0, "i")
    if features.ndim != 2 or over_time.ndim != 2 or len(features) != len(over_time) or rank < 1 or len(features) % rank:
        raise refusal(operator, f"weights of shape {features.shape} and {over_time.shape} do not fit rank {rank}")
    batches, units, memory = source.shape[0], len(features) // rank, over_time.shape[1]
    if features.shape[1] != source.shape[1] or target.shape != (batches, units):
        raise refusal(operator, f"{list(source.shape)} and {list(target.shape)} do not fit {len(features)} filters")
    if state.elements != batches * len(features) * memory:
        raise refusal(operator, f"its state has {state.elements} elements, not {batches * len(features) * memory}")
    dimensions_fit(operator, batches, source.shape[1], units, rank, memory)
    if source.dtype == "float32":
        _emit_float(operator, build, source, target, state, (features, over_time), (batches, units, rank, memory))
        return
    _emit(operator, build, source, target, state, (features, over_time), (batches, units, rank, memory))


def _emit_float(
    operator: Operator,
    build: Builder,
    source: Tensor,
    target: Tensor,
    state: Tensor,
    weights: tuple[NDArray[Any], NDArray[Any]],
    sizes: tuple[int, int, int, int],
) -> None:
    batches, units, rank, memory = sizes
    if optional_operand(operator, _BIAS) is None:
        raise unsupported_error(operator, "no bias, which Micro reads all the same")
    bias = _constant(operator, _BIAS, "float32").ravel()
    if len(bias) != units:
        raise refusal(operator, f"its bias has {len(bias)} elements for {units} units")
    # Micro's maximum and minimum let infinities through.
    low, high = (
        float(np.copysign(np.inf, bound)) if abs(bound) == FLOAT_MAX else bound
        for bound in activation_range_float(operator, operator.integer(1))
    )
    build.step(
        "svdf_float",
        input=build.read(source),
        state=build.state(state, 0),
        feature_weights=build.constant(weights[0]),
        time_weights=build.constant(weights[1]),
        bias=build.constant(bias),
        output=build.allocate(target),
        batches=batches,
        features=source.shape[1],
        units=units,
        rank=rank,
        memory=memory,
        minimum=low,
        maximum=high,
    )


def _emit(
    operator: Operator,
    build: Builder,
    source: Tensor,
    target: Tensor,
    state: Tensor,
    weights: tuple[NDArray[Any], NDArray[Any]],
    sizes: tuple[int, int, int, int],
) -> None:
    features = weights[0].astype(np.int64)
    batches, units, rank, memory = sizes
    zero_point = own_zero_point(operator, source)
    feature_scale, time_scale = operand(operator, _FEATURE_WEIGHTS).scale, operand(operator, _TIME_WEIGHTS).scale
    bias_tensor = optional_operand(operator, _BIAS)
    bias = np.zeros(units, np.int64)
    if bias_tensor is not None:
        bias = _constant(operator, _BIAS, "int32").ravel().astype(np.int64)
    state_zero_point = own_zero_point(operator, state)
    if len(bias) != units or (state.dtype == "int16" and state_zero_point != 0):
        raise refusal(operator, f"its bias has {len(bias)} elements for {units} units, or its state a zero point")
    largest = int((np.abs(features).sum(axis=1) * max(127 - zero_point, zero_point + 128)).max())
    # PrepareSvdf: the products of scales are taken in float32.
    feature_multiplier, feature_shift = quantise_multiplier(float(source.scale * feature_scale / state.scale))
    time_multiplier, time_shift = quantise_multiplier(float(state.scale * time_scale / target.scale))
    if feature_shift > 30 or time_shift > 0 or largest << max(feature_shift, 0) >= _LIMIT:
        raise refusal(operator, "its scales magnify sums beyond int32")
    build.step(
        "svdf_int8" if state.dtype == "int16" else "svdf_memory8",
        input=build.read(source),
        state=build.state(state, state_zero_point & 0xFF),
        feature_weights=build.constant(weights[0]),
        feature_bias=build.constant((-zero_point * features.sum(axis=1)).astype(np.int32)),
        time_weights=build.constant(weights[1]),
        bias=build.constant(bias.astype(np.int32)),
        output=build.allocate(target),
        batches=batches,
        features=source.shape[1],
        units=units,
        rank=rank,
        memory=memory,
        feature_multiplier=feature_multiplier,
        feature_shift=feature_shift,
        time_multiplier=time_multiplier,
        time_shift=time_shift,
        output_zero_point=target.zero_point,
        state_zero_point=state_zero_point,
    )


LOWERINGS = {"SVDF": lower_svdf}
