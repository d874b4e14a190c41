"""The layout of the binary plan; the C side of the same is firmware/plan_format.h and the steps_*.h beside it
(a test compares the two).

A step's layout is a list of fields, each a name, a kind and a count. Kinds: `r` a reference to a buffer, `u` an
unsigned and `i` a signed 32-bit integer, `f` a float32. Everything is little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAGIC = 0x4E4C5048
VERSION = 1
CONSTANT_BIT = 0x80000000
RANK = 5
HEADER_WORDS = 16
BUFFER_WORDS = 3
ALIGNMENT = 16

Field = tuple[str, str, int]


def _fields(text: str) -> list[Field]:
    """`r input`, `i shape 5` … as fields."""
    fields = []
    for item in text.replace("\n", ",").split(","):
        words = item.split()
        if words:
            fields.append((words[1], words[0], int(words[2]) if len(words) > 2 else 1))
    return fields


_WINDOW = """
i batches, i input_height, i input_width, i input_channels, i output_height, i output_width, i output_channels,
i kernel_height, i kernel_width, i stride_height, i stride_width, i dilation_height, i dilation_width, i pad_top,
i pad_left
"""
_BROADCAST = "i shape 5, i stride1 5, i stride2 5, u elements1, u elements2"
_MATRIX = """
r left, r right, r output, i batches 3, i left_batch_stride 3, i right_batch_stride 3, i rows, i columns, i depth,
i left_row_stride, i left_depth_stride, i right_column_stride, i right_depth_stride, u left_elements, u right_elements
"""
_RESIZE = """
r input, r output, r rows, r columns, i batches, i input_height, i input_width, i channels, i output_height,
i output_width
"""
_ADD = (
    f"r input1, r input2, r output, {_BROADCAST}, i offset1, i multiplier1, i shift1, i offset2, i multiplier2,"
    "i shift2, i operation, i multiplier, i shift, i output_zero_point, i minimum, i maximum"
)
_MULTIPLY = (
    f"r input1, r input2, r output, {_BROADCAST}, i offset1, i offset2, i multiplier, i shift,"
    "i output_zero_point, i minimum, i maximum"
)
_EXTREME = f"r input1, r input2, r output, {_BROADCAST}, i maximum"
_PRELU = (
    f"r input1, r input2, r output, {_BROADCAST}, i offset1, i offset2, i positive_multiplier, i positive_shift,"
    "i multiplier, i shift, i output_zero_point"
)
_QUANTIZE = "r input, r output, u elements, f scale, i zero_point"
_ARG_EXTREME = "r input, r output, i outer, i axis_size, i inner, i maximum"
_REDUCE_EXTREME = "r input, r output, i shape 5, i stride 5, u output_elements, i maximum"
_L2_NORMALIZE = "r input, r output, i rows, i depth, i zero_point"
GATES = ("forget", "input", "cell", "output")
_GATES_INT8 = ",".join(
    f"r {g}_input_weights, r {g}_input_bias, r {g}_recurrent_weights, r {g}_recurrent_bias, i {g}_input_multiplier,"
    f"i {g}_input_shift, i {g}_recurrent_multiplier, i {g}_recurrent_shift"
    for g in (f"{gate}_gate" for gate in GATES)
)
_GATES_INT16 = ",".join(
    f"r {g}_input_weights, r {g}_input_bias, r {g}_recurrent_weights, i {g}_input_multiplier, i {g}_input_shift,"
    f"i {g}_recurrent_multiplier, i {g}_recurrent_shift"
    for g in (f"{gate}_gate" for gate in GATES)
)
_LSTM = "i batches, i time_steps, i features, i units, i time_major"
_CELL_UPDATE = """
i cell_activation, i cell_clip, i tanh_multiplier, i tanh_shift, i forget_multiplier, i forget_shift,
i input_multiplier, i input_shift, i output_multiplier, i output_shift, i output_zero_point
"""
_POOL = f"r input, r output, {_WINDOW}, i minimum, i maximum"
_MEAN = (
    "r input, r output, r scratch, i shape 5, i stride 5, u output_elements, i bias, i multiplier, i shift,"
    "i output_zero_point"
)
_SOFTMAX_TABLE = "r input, r output, r table, i rows, i depth"
_SVDF = (
    "r input, r output, r state, r feature_weights, r feature_bias, r time_weights, r bias, i batches, i features,"
    "i units, i rank, i memory, i feature_multiplier, i feature_shift, i time_multiplier, i time_shift,"
    "i output_zero_point, i state_zero_point"
)
_CUMULATIVE_SUM = "r input, r output, i outer, i axis_size, i inner, i exclusive, i reverse, i initial"
_COMPARE = f"r input1, r input2, r output, {_BROADCAST}, i comparison"
_GATES_FLOAT = ",".join(
    f"r {gate}_gate_input_weights, r {gate}_gate_input_bias, r {gate}_gate_recurrent_weights" for gate in GATES
)

# In the order of `enum step_kind`, which starts at 1.
STEPS: dict[str, list[Field]] = {
    "convolution_int8": _fields(
        f"r input, r output, r weights, r channels, r scratch, {_WINDOW}, i groups, i input_zero_point,"
        "i output_zero_point, i minimum, i maximum"
    ),
    "depthwise_int8": _fields(
        f"r input, r output, r weights, r channels, r scratch, {_WINDOW}, i input_zero_point, i output_zero_point,"
        "i minimum, i maximum"
    ),
    "average_pool_int8": _fields(_POOL),
    "max_pool_int8": _fields(_POOL),
    "add_int8": _fields(_ADD),
    "multiply_int8": _fields(_MULTIPLY),
    "mean_int8": _fields(_MEAN),
    "softmax_int8": _fields(_SOFTMAX_TABLE),
    "lookup_int8": _fields("r input, r output, r table, u elements"),
    "fill": _fields("r output, u bytes, u pattern"),
    "copy": _fields("r input, r output, i element_bytes, i shape 5, i input_stride 5, i output_stride 5"),
    "matrix_int8": _fields(f"{_MATRIX}, i left_offset, i right_offset, i multiplier, i shift, i output_zero_point"),
    "lstm_int8": _fields(
        f"r input, r output, r hidden, r cell, r scratch, r sigmoid_table, {_LSTM}, {_GATES_INT8}, {_CELL_UPDATE}"
    ),
    "convolution_float": _fields(f"r input, r output, r weights, r bias, {_WINDOW}, i groups, f minimum, f maximum"),
    "depthwise_float": _fields(f"r input, r output, r weights, r bias, {_WINDOW}, f minimum, f maximum"),
    "pool_float": _fields(f"r input, r output, {_WINDOW}, i maximum_pool, f minimum, f maximum"),
    "elementwise_float": _fields(f"r input1, r input2, r output, {_BROADCAST}, i operation, f minimum, f maximum"),
    "mean_float": _fields("r input, r output, i shape 5, i stride 5, u output_elements, f divisor"),
    "softmax_float": _fields("r input, r output, i rows, i depth, f beta"),
    "unary_float": _fields("r input, r output, u elements, i operation, f first, f second"),
    "matrix_float": _fields(_MATRIX),
    "quantize": _fields(_QUANTIZE),
    "dequantize": _fields("r input, r output, r table, u elements"),
    "lstm_float": _fields(
        "r input, r output, r hidden, r cell, r scratch, i batches, i time_steps, i features, i units, i time_major,"
        f"{_GATES_FLOAT}, i cell_activation, f cell_clip"
    ),
    "gather": _fields("r input, r output, r indices, i batches, i outer, i axis_size, i count, i inner_bytes"),
    "resize_int8": _fields(_RESIZE),
    "resize_float": _fields(_RESIZE),
    "extreme_int8": _fields(_EXTREME),
    "prelu_int8": _fields(_PRELU),
    "arg_extreme_int8": _fields(_ARG_EXTREME),
    "arg_extreme_float": _fields(_ARG_EXTREME),
    "cast": _fields("r input, r output, u elements, i from, i to"),
    "reduce_extreme_int8": _fields(_REDUCE_EXTREME),
    "reduce_extreme_float": _fields(_REDUCE_EXTREME),
    "l2_normalize_int8": _fields(_L2_NORMALIZE),
    "l2_normalize_float": _fields(_L2_NORMALIZE),
    "svdf_int8": _fields(_SVDF),
    "compare_int8": _fields(f"r input1, r input2, r output, r table1, r table2, {_BROADCAST}, i comparison"),
    "compare_float": _fields(_COMPARE),
    "select": _fields("r condition, r input1, r input2, r output, u elements, i element_bytes"),
    "convolution_int16": _fields(
        f"r input, r output, r weights, r channels, r scratch, {_WINDOW}, i groups, i wide, i minimum, i maximum"
    ),
    "add_int16": _fields(_ADD),
    "multiply_int16": _fields(_MULTIPLY),
    "extreme_int16": _fields(_EXTREME),
    "prelu_int16": _fields(_PRELU),
    "rescale": _fields(
        "r input, r output, u elements, i from, i to, i input_zero_point, i multiplier, i shift, i below,"
        "i negative_multiplier, i negative_shift, i output_zero_point, i minimum, i maximum"
    ),
    "curve_int16": _fields("r input, r output, r table, u elements, i curve, i multiplier, i shift"),
    "quantize_int16": _fields(_QUANTIZE),
    "dequantize_int16": _fields(_QUANTIZE),
    "branch": _fields("r condition, i value, u target_step, u target_offset"),
    "softmax_int16": _fields(
        "r input, r output, r exponentials, r reciprocals, i rows, i depth, i multiplier, i shift"
    ),
    "softmax_int8_int16": _fields(_SOFTMAX_TABLE),
    "average_pool_int16": _fields(_POOL),
    "max_pool_int16": _fields(_POOL),
    "mean_int16": _fields(_MEAN),
    "matrix_int16": _fields(f"{_MATRIX}, i multiplier, i shift"),
    "compare_int32": _fields(_COMPARE),
    "elementwise_int32": _fields(f"r input1, r input2, r output, {_BROADCAST}, i operation, i minimum, i maximum"),
    "lstm_int16": _fields(
        f"r input, r output, r hidden, r cell, r scratch, r sigmoid_table, {_LSTM}, {_GATES_INT16}, {_CELL_UPDATE}"
    ),
    "svdf_memory8": _fields(_SVDF),
    "wave_float": _fields("r input, r output, u elements, i cosine"),
    "floor_mod_float": _fields(f"r input1, r input2, r output, {_BROADCAST}"),
    "l2_pool_float": _fields(f"r input, r output, {_WINDOW}, f minimum, f maximum"),
    "log_softmax_float": _fields("r input, r output, i rows, i depth"),
    "log_softmax_int8": _fields(
        "r input, r output, r exponentials, r distances, i rows, i depth, i lowest_difference, i multiplier, i shift"
    ),
    "cumulative_sum_float": _fields(_CUMULATIVE_SUM),
    "cumulative_sum_int32": _fields(_CUMULATIVE_SUM),
    "gather_nd": _fields("r input, r output, r indices, i count, i depth, i strides 5, u slice_bytes, u input_bytes"),
    "update_slice": _fields(
        "r update, r indices, r output, i rank, i index_bytes, i element_bytes, i shape 5, i output_shape 5"
    ),
    "svdf_float": _fields(
        "r input, r output, r state, r feature_weights, r time_weights, r bias, i batches, i features, i units, i rank,"
        "i memory, f minimum, f maximum"
    ),
    "depthwise_int16": _fields(
        f"r input, r output, r weights, r channels, r scratch, {_WINDOW}, i wide, i minimum, i maximum"
    ),
}
STEP_KINDS = {name: number for number, name in enumerate(STEPS, start=1)}

Value = int | float | Sequence[int]


def step_word_count(name: str) -> int:
    """Words of a step, its header of three included."""
    return 3 + sum(count for _, _, count in STEPS[name])


def pack_step(name: str, operator_index: int, values: Mapping[str, Value]) -> bytes:
    """A step in binary form; `values` must name every field and no other, references already as numbers."""
    fields = STEPS[name]
    if set(values) != {field for field, _, _ in fields}:
        raise ValueError(f"{name}: fields {sorted(set(values) ^ {field for field, _, _ in fields})} do not match")
    packed = [struct.pack("<III", STEP_KINDS[name], step_word_count(name), operator_index)]
    for field, kind, count in fields:
        value = values[field]
        items = list(value) if isinstance(value, Sequence) else [value]
        if len(items) != count:
            raise ValueError(f"{name}.{field}: {len(items)} values, not {count}")
        packed.append(struct.pack("<" + {"r": "I", "u": "I", "i": "i", "f": "f"}[kind] * count, *items))
    return b"".join(packed)


@dataclass(frozen=True)
class Buffer:
    """An input, output or state: where it is, how long, and the byte a state starts with."""

    reference: int
    nbytes: int
    fill: int = 0

    def pack(self) -> bytes:
        return struct.pack("<III", self.reference, self.nbytes, self.fill)
