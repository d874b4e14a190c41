"""A copy of a `.tflite` whose operators give results that are off at random, by as much as sound kernels differ.

Behind every operator that rounds comes another that moves each of its results a little: a float by a factor of 1 ± k
units in the last place, a quantised integer by one step or none. In front of an operator that quantises its
activations as it runs comes one that moves them by half a step. Nothing else of the model is touched, so whatever ran
the model runs its copy. By how much:

- Float operators, half of the values by k units: k = 1, for a result is rounded once; 1 + √n/5 where n products are
  added up, for rounding errors of a sum in sequence grow as √n·2⁻²⁴ of its partial sums (Higham and Mary, "A new
  approach to probabilistic rounding error analysis", 2019), whose mean square is a third of the last one's; 4 for
  exp, tanh and the like, of which runtimes have approximations of their own, good to some units.
- Integer operators, one value in fifty by one step: kernels round ties, and requantise by 32-bit, 16-bit or float
  multipliers, each in its own way (docs/limits.md has the shares that were seen). The noise of a copy is the same for
  every sample, so that a result of three values would mostly stand still: the samples are split among several copies
  then, each with noise of its own (`portions`).
- Activations quantised at run time: uniformly by ± half a step of 1/127 of their largest value.

Runs in the converter's environment.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .schema import packed, take_in_values

Draw = Callable[[np.random.Generator, Mapping[int, float]], NDArray[Any]]
"""Noise from a generator and from the largest absolute value of each of `quantised_as_it_runs`, by tensor."""

LARGEST = 64 * 1024**2
"""Bytes of a file that is read and written again as objects: seconds, and some copies of it in memory."""
MOST_NOISE = 64 * 1024**2
"""Bytes of random numbers in one copy."""

_EXACT = """
    RESHAPE SQUEEZE EXPAND_DIMS TRANSPOSE SLICE STRIDED_SLICE DYNAMIC_UPDATE_SLICE SPLIT SPLIT_V UNPACK PACK
    CONCATENATION PAD PADV2 MIRROR_PAD GATHER GATHER_ND SPACE_TO_DEPTH DEPTH_TO_SPACE SPACE_TO_BATCH_ND
    BATCH_TO_SPACE_ND TILE BROADCAST_TO BROADCAST_ARGS FILL SHAPE CAST MAX_POOL_2D MAXIMUM MINIMUM RELU RELU6
    RELU_N1_TO_1 RELU_0_TO_1 ABS NEG FLOOR CEIL ROUND SIGN QUANTIZE DEQUANTIZE DENSIFY ARG_MAX ARG_MIN SELECT SELECT_V2
    REVERSE_V2 REVERSE_SEQUENCE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE ONE_HOT EMBEDDING_LOOKUP HASHTABLE_LOOKUP
    RESIZE_NEAREST_NEIGHBOR REDUCE_MAX REDUCE_MIN TOPK_V2 WHERE FAKE_QUANT IF WHILE CALL CALL_ONCE RANGE ZEROS_LIKE
    MATRIX_DIAG SCATTER_ND FLOOR_MOD FLOOR_DIV
"""
EXACT = frozenset(_EXACT.split())
"""Operators that move values or choose among them: every sound kernel gives the same bits, or they are their body's."""
APPROXIMATE = frozenset(
    ("LOGISTIC", "TANH", "EXP", "SOFTMAX", "LOG_SOFTMAX", "GELU", "ELU", "SIN", "COS", "POW", "LOG", "RSQRT", "ATAN2")
)
APPROXIMATE_UNITS = 4.0
RECURRENT = frozenset(
    ("UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN")
)
WEIGHTED = frozenset(
    ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D", "BATCH_MATMUL", "SVDF")
)
INTEGER_SHARE = 0.02
MOST_PORTIONS = 8
MOST_WRITTEN = 16 * 1024**2
"""Bytes of all copies of one draw."""
OPTIMISED = 1.0 / 8.0
"""Share of a reference kernel's time that an optimised kernel takes at most. 44 artifacts of the zoo took from a
sixteenth to an eighth where the kernels differ at all."""
ADD_VERSIONS = {"int8": 2, "uint8": 1, "int16": 3}


class Unmeasured(Exception):
    """This file cannot be disturbed; the text says why."""

    harness_kind = "unsupported"


class PerturbedModel:
    """A copy in the making: the model as objects, and where it will have noise."""

    def __init__(self, content: bytes, schema: Any, portions: int = 1) -> None:
        """`portions`: of how many copies, each with noise of its own, this is one."""
        self.schema, self.portions = schema, portions
        self.model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        take_in_values(self.model, content)
        self.names = {value: key for key, value in vars(schema.BuiltinOperator).items() if not key.startswith("_")}
        kinds = schema.TensorType
        self.kinds = {kinds.FLOAT32: np.float32, kinds.INT8: np.int8, kinds.UINT8: np.uint8, kinds.INT16: np.int16}
        self._codes: dict[tuple[int, int], int] = {}
        self.noise: dict[int, Draw] = {}
        """Noise by buffer, in the order in which it is drawn."""
        self._buffers: dict[tuple[Any, ...], int] = {}
        self._bytes = 0

    def name(self, operator: Any) -> str:
        code = self.model.operatorCodes[operator.opcodeIndex]
        return str(self.names.get(max(code.builtinCode, code.deprecatedBuiltinCode), ""))

    def is_constant(self, tensor: Any) -> bool:
        data = self.model.buffers[tensor.buffer].data
        return data is not None and len(data) > 0

    def code(self, builtin: int, version: int) -> int:
        """Index of an operator code of our own."""
        if (builtin, version) not in self._codes:
            code = self.schema.OperatorCodeT()
            code.builtinCode = code.deprecatedBuiltinCode = builtin
            code.version = version
            self.model.operatorCodes.append(code)
            self._codes[builtin, version] = len(self.model.operatorCodes) - 1
        return self._codes[builtin, version]

    def constant(self, graph: Any, like: Any, shape: tuple[int, ...], zero_point: int, key: Any, draw: Draw) -> int:
        """Index of a new constant of the type and scale of `like`; equal keys of equal shapes share their values, which
        `draw` gives."""
        place = (like.type, shape, key)
        if place not in self._buffers:
            size = math.prod(shape) * np.dtype(self.kinds[like.type]).itemsize
            self._bytes += size
            if self._bytes > MOST_NOISE:
                raise Unmeasured(f"its results have more than {MOST_NOISE // 1024**2} MB")
            buffer = self.schema.BufferT()
            buffer.data = np.zeros(size, np.uint8)
            self._buffers[place] = len(self.model.buffers)
            self.noise[len(self.model.buffers)] = draw
            self.model.buffers.append(buffer)
        tensor = self.schema.TensorT()
        tensor.shape, tensor.type, tensor.name, tensor.hasRank = np.array(shape, np.int32), like.type, b"noise", True
        tensor.buffer = self._buffers[place]
        scale = one_scale(like)
        if scale is not None:
            tensor.quantization = self.schema.QuantizationParametersT()
            tensor.quantization.scale = np.array([scale[0]], np.float32)
            tensor.quantization.zeroPoint = np.array([zero_point], np.int64)
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1

    def clone_tensor(self, graph: Any, index: int) -> int:
        """Index of a new tensor that is like another, and empty."""
        tensor = copy.copy(graph.tensors[index])
        tensor.name, tensor.buffer = (tensor.name or b"") + b"/disturbed", 0
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1

    def binary(self, kind: str, version: int, one: int, other: int, result: int) -> Any:
        """An ADD or MUL of two tensors."""
        operator, schema = self.schema.OperatorT(), self.schema
        operator.opcodeIndex = self.code(getattr(schema.BuiltinOperator, kind), version)
        options = schema.AddOptionsT() if kind == "ADD" else schema.MulOptionsT()
        if kind == "ADD":
            options.potScaleInt16 = False
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, "AddOptions" if kind == "ADD" else "MulOptions")
        operator.builtinOptions = options
        operator.inputs, operator.outputs = np.array([one, other], np.int32), np.array([result], np.int32)
        return operator


class NoisyModelTemplate:
    """A finished copy. Every draw has the same operators, so that its noise alone is written anew: to read and write
    a file as objects takes longer than most of the runs."""

    def __init__(self, made: PerturbedModel) -> None:
        self._content = bytearray(packed(made.model))
        root = made.schema.Model.GetRootAs(self._content, 0)
        self._noise = [(root.Buffers(buffer).DataAsNumpy(), draw) for buffer, draw in made.noise.items()]

    def drawn(self, generator: np.random.Generator, largest: Mapping[int, float]) -> bytearray:
        """The file with other noise, until the next draw."""
        for place, draw in self._noise:
            place[:] = np.frombuffer(draw(generator, largest).tobytes(), np.uint8)
        return self._content


def portion_count(made: PerturbedModel, samples: int, size: int) -> int:
    """The number of parts that the samples are split into, so that each value of the smallest integer result moves
    about once in all parts. `size`: bytes of the file, of which one copy is written for each part."""
    smallest = min(
        (
            math.prod(fixed_shape(graph.tensors[index]))
            for graph in made.model.subgraphs
            for operator in graph.operators or []
            for index in (int(index) for index in operator.outputs)
            if index >= 0 and made.kinds.get(graph.tensors[index].type) not in (None, np.float32)
            if is_inexact(made, graph, operator, [int(read) for read in operator.inputs if read >= 0], index)
        ),
        default=0,
    )
    wanted = math.ceil(1.0 / (INTEGER_SHARE * smallest)) if smallest else 1
    return max(1, min(wanted, MOST_PORTIONS, samples, MOST_WRITTEN // max(1, size)))


def noisy_model_template(content: bytes, schema: Any, portions: int = 1) -> NoisyModelTemplate:
    """The copies, each one of `portions`. Raises `Unmeasured`."""
    made = PerturbedModel(content, schema, portions)
    for number, graph in enumerate(made.model.subgraphs):
        known = {index for index, tensor in enumerate(graph.tensors) if made.is_constant(tensor)}
        operators: list[Any] = []
        for operator in graph.operators or []:
            reads = [int(index) for index in ([] if operator.inputs is None else operator.inputs) if index >= 0]
            writes = [int(index) for index in operator.outputs]
            if reads and known.issuperset(reads):
                known.update(writes)
                operators.append(operator)
                continue
            if number == 0 and is_hybrid(made, graph, operator):
                operators.append(_half_a_step(made, graph, operator))
            operators.append(operator)
            for place, index in enumerate(writes):
                if index >= 0 and is_inexact(made, graph, operator, reads, index):
                    operators.append(_perturbing_operator(made, graph, operator, reads, place))
        graph.operators = operators
    return NoisyModelTemplate(made)


def is_inexact(made: PerturbedModel, graph: Any, operator: Any, reads: list[int], index: int) -> bool:
    """Whether sound kernels can differ in this result: integers that only move are equal if their scale stays."""
    tensor, name = graph.tensors[index], made.name(operator)
    kind = made.kinds.get(tensor.type)
    if kind is None or tensor.isVariable:
        return False
    if kind is np.float32:
        return name not in EXACT
    scale = one_scale(tensor)
    if scale is None:
        return False
    others = [one_scale(graph.tensors[read]) for read in reads if graph.tensors[read].type in made.kinds]
    return name not in EXACT or any(other is not None and other != scale for other in others)


def _perturbing_operator(
    made: PerturbedModel, graph: Any, operator: Any, input_indices: list[int], output_position: int
) -> Any:
    """The operator that moves one result of another, which from now on writes into a tensor of its own."""
    index = int(operator.outputs[output_position])
    tensor = graph.tensors[index]
    before = made.clone_tensor(graph, index)
    outputs = np.array(operator.outputs).copy()
    outputs[output_position] = before
    operator.outputs = outputs
    kind, shape = made.kinds[tensor.type], fixed_shape(tensor)
    if kind is np.float32:
        amount = units(made, graph, operator, input_indices, index) * 2.0**-23

        def factors(generator: np.random.Generator, _: Mapping[int, float]) -> NDArray[Any]:
            return (1.0 + amount * _ways(generator, shape, 0.5)).astype(np.float32)

        noise = made.constant(graph, tensor, shape, 0, round(math.log2(amount), 1), factors)
        return made.binary("MUL", 1, before, noise, index)
    zero_point = 128 if kind is np.uint8 else 0
    # Of a few values, one in some portion all the same.
    least = 1.0 / (made.portions * max(1, math.prod(shape)))
    share = max(INTEGER_SHARE, min(least, 1.0 / MOST_PORTIONS))

    def steps(generator: np.random.Generator, _: Mapping[int, float]) -> NDArray[Any]:
        return (_ways(generator, shape, share).astype(np.int16) + zero_point).astype(kind)

    noise = made.constant(graph, tensor, shape, zero_point, "steps", steps)
    return made.binary("ADD", ADD_VERSIONS[np.dtype(kind).name], before, noise, index)


def _half_a_step(made: PerturbedModel, graph: Any, operator: Any) -> Any:
    """The operator that moves what another quantises as it runs, in front of it."""
    index = int(operator.inputs[0])
    shape = fixed_shape(graph.tensors[index])

    def within(generator: np.random.Generator, largest: Mapping[int, float]) -> NDArray[Any]:
        half = 0.5 * largest[index] / 127.0
        return generator.uniform(-half, half, shape).astype(np.float32)

    noise = made.constant(graph, graph.tensors[index], shape, 0, f"half a step of {index}", within)
    after = made.clone_tensor(graph, index)
    inputs = np.array(operator.inputs).copy()
    inputs[0] = after
    operator.inputs = inputs
    return made.binary("ADD", 1, index, noise, after)


def _ways(generator: np.random.Generator, shape: tuple[int, ...], share: float) -> NDArray[np.int8]:
    """−1, 0 and 1; `share` of them not 0."""
    return generator.choice(np.array([-1, 0, 1], np.int8), shape, p=[share / 2, 1.0 - share, share / 2])


def units(made: PerturbedModel, graph: Any, operator: Any, reads: list[int], index: int) -> float:
    """Units in the last place by which sound float kernels differ in one result: see above."""
    name = made.name(operator)
    approximate = APPROXIMATE_UNITS if name in APPROXIMATE | RECURRENT else 1.0
    return max(approximate, 1.0 + math.sqrt(terms(made, graph, name, reads, index)) / 5.0)


def terms(made: PerturbedModel, graph: Any, name: str, reads: list[int], index: int) -> float:
    """How many products or values are added up in one element of a result; 0 where none are."""
    if name == "BATCH_MATMUL":
        return float((fixed_shape(graph.tensors[reads[0]]) or (1,))[-1])
    if name in WEIGHTED and len(reads) > 1:
        weights = fixed_shape(graph.tensors[reads[1]])
        channels = (fixed_shape(graph.tensors[index]) or (1,))[-1]
        return math.prod(weights) / max(1, channels)
    if name in RECURRENT:
        return float(math.prod(fixed_shape(graph.tensors[reads[0]])))
    elements = math.prod(fixed_shape(graph.tensors[index]))
    gathered = max((math.prod(fixed_shape(graph.tensors[read])) for read in reads), default=1) / max(1, elements)
    return gathered if gathered > 1.0 else 0.0


def fixed_shape(tensor: Any) -> tuple[int, ...]:
    """The tensor's shape, one where it is open: noise is broadcast there."""
    shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
    signature = shape if tensor.shapeSignature is None else [int(size) for size in tensor.shapeSignature]
    if len(signature) != len(shape):
        signature = shape
    return tuple(1 if open_size <= 0 else size for size, open_size in zip(shape, signature, strict=True))


def one_scale(tensor: Any) -> tuple[float, int] | None:
    """Scale and zero point of a tensor that has one of each."""
    parameters = tensor.quantization
    if parameters is None or parameters.scale is None or len(parameters.scale) != 1:
        return None
    points = parameters.zeroPoint
    return float(parameters.scale[0]), int(points[0]) if points is not None and len(points) else 0


def is_hybrid(made: PerturbedModel, graph: Any, operator: Any) -> bool:
    """Whether it takes float activations and integer weights, and so quantises the first as it runs."""
    if made.name(operator) not in WEIGHTED | RECURRENT or operator.inputs is None or len(operator.inputs) < 2:
        return False
    kinds = made.schema.TensorType
    activation, weights = (graph.tensors[int(index)].type for index in operator.inputs[:2])
    return bool(activation == kinds.FLOAT32 and weights in (kinds.INT8, kinds.UINT8, kinds.INT4))


def quantised_as_it_runs(made: PerturbedModel) -> list[int]:
    """The tensors of the main graph that some operator quantises as it runs."""
    graph = made.model.subgraphs[0]
    found = [int(one.inputs[0]) for one in graph.operators or [] if is_hybrid(made, graph, one)]
    return list(dict.fromkeys(found))


def showing(content: bytes, schema: Any, tensors: list[int]) -> bytes:
    """A copy that gives these tensors as outputs behind its own."""
    made = PerturbedModel(content, schema)
    graph = made.model.subgraphs[0]
    graph.outputs = np.array([*graph.outputs, *tensors], np.int32)
    return packed(made.model)


def read(path: Path, schema: Any) -> PerturbedModel:
    """The file as objects. Raises `Unmeasured`."""
    if path.stat().st_size > LARGEST:
        raise Unmeasured(f"the file has {path.stat().st_size / 1024**2:.0f} MB and {LARGEST // 1024**2} are taken")
    return PerturbedModel(path.read_bytes(), schema)


def count_macs(made: PerturbedModel) -> int:
    """Multiply-accumulates of one inference, about: results times what each is made of, and an eighth of that where
    TensorFlow's optimised kernels do them. They have none for int16."""
    total = 0.0
    for graph in made.model.subgraphs:
        for operator in graph.operators or []:
            reads = [int(index) for index in ([] if operator.inputs is None else operator.inputs) if index >= 0]
            for index in (int(index) for index in operator.outputs if index >= 0):
                each = terms(made, graph, made.name(operator), reads, index)
                share = 1.0 if graph.tensors[index].type == made.schema.TensorType.INT16 else OPTIMISED
                total += math.prod(fixed_shape(graph.tensors[index])) * max(1.0, each) * share
    return int(total)


def output_step_sizes(made: PerturbedModel) -> dict[int, float]:
    """Position of an output → its step in real units, for float outputs that are made of integers (by DEQUANTIZE or
    FAKE_QUANT) and so take no value between."""
    graph, found = made.model.subgraphs[0], {}
    outputs = {int(index): place for place, index in enumerate(graph.outputs)}
    for operator in graph.operators or []:
        for index in (int(index) for index in operator.outputs):
            if index not in outputs:
                continue
            name = made.name(operator)
            scale = one_scale(graph.tensors[int(operator.inputs[0])]) if name == "DEQUANTIZE" else None
            if scale is not None:
                found[outputs[index]] = scale[0]
            elif name == "FAKE_QUANT":
                options = operator.builtinOptions
                levels = (1 << options.numBits) - 1 - bool(options.narrowRange)
                found[outputs[index]] = (options.max - options.min) / levels
    return found
