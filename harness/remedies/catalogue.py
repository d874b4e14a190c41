"""The catalogue: how a known failure reads → what it means → what to do. The first entry that matches is taken.

Every entry is triggered for real by a test (`tests/harness/remedies`). `{1}` in a text is the pattern's first group.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Remedy:
    """One known failure. `pattern` is searched in the message first, then in the log of the call that failed."""

    name: str
    pattern: re.Pattern[str]
    meaning: str
    to_do: str


def remedy(name: str, pattern: str, meaning: str, to_do: str) -> Remedy:
    """A remedy with its pattern compiled."""
    return Remedy(name, re.compile(pattern), meaning, to_do)


CATALOGUE: tuple[Remedy, ...] = (
    remedy(
        "dynamic tensor list",
        r"'?tf\.TensorListReserve'? op requires element_shape|TensorListReserve.*element_shape",
        "A recurrent layer or loop keeps a list of tensors whose shape is open, mostly because the batch is.",
        "Fix the batch to one (`keras.Input(…, batch_size=1)`, or a static input signature), or build the layer with"
        " `unroll=True`; the variant `select-tf` takes it as it is.",
    ),
    remedy(
        "neither custom nor flex",
        r"'?(?:tf\.)?(\w+)'? op is neither a custom op nor a flex op|Some ops in the model are custom ops",
        "Neither TFLite nor its TensorFlow fallback has this operator.",
        "Rewrite it with operators that TensorFlow has, or convert the variant `custom` and name the library that"
        " registers it under [models.NAME.custom_operators].",
    ),
    remedy(
        "select TF needed",
        r"Some ops are not supported by the native TFLite runtime",
        "TFLite has no operator of its own for it; TensorFlow's can be linked in.",
        "Convert the variant `select-tf` (it runs in tflite/tensorflow and in apps with the Flex delegate, not on"
        " microcontrollers), or rewrite the operator; `harness assess` names a rewrite where one is known.",
    ),
    remedy(
        "state in variables",
        r"ASSIGN_VARIABLE|\bIdentity(?:_\d+)? is not in graph",
        "The model keeps state in a variable that it assigns, which has no place here.",
        "Pass the state in and out as an input and an output, or keep to runtimes with variables (TFLite's, Micro's).",
    ),
    remedy(
        "variables not frozen",
        r"READ_VARIABLE|VAR_HANDLE|variable.*(?:uninitialized|not initialized)",
        "The SavedModel was written by `tf.saved_model.save` of a Keras 3 model, whose variables no converter freezes.",
        "Write it with `model.export(…)`, or name the `.keras` file or the Python that builds the model.",
    ),
    remedy(
        "TF.js operator missing",
        r"Unsupported Ops(?: in the model before optimization)?:? ?(\w[\w, ]*)?",
        "TensorFlow.js has no operator {1}.",
        "Rewrite it with operators it has (`harness assess` names a rewrite where one is known), or leave the web out.",
    ),
    remedy(
        "TF.js hash table",
        r"looks up in a hash table, whose initializer graph",
        "Nothing can be said of it here, though TensorFlow.js itself may run it.",
        "Look up in the application, before the model, or gather from a constant tensor.",
    ),
    remedy(
        "infinite weight quantised",
        r"holds infinite values, which (\w+) cannot store",
        "A quantised weight is stored by its smallest and its largest value.",
        "Convert `float32` or `float16`, or put a large finite number in the infinity's place.",
    ),
    remedy(
        "TF.js kernel missing",
        r"Kernel '(\w+)' not registered for backend '(\w+)'",
        "The backend {2} of TensorFlow.js has no kernel {1}.",
        "Run on another backend (cpu has the most kernels), or rewrite the operator.",
    ),
    remedy(
        "TF.js backend lacks the kernel",
        r"the (\w+) backend of TensorFlow\.js has no kernel (\w+)",
        "This is known from the installed packages, before anything is started.",
        "Run on another backend (cpu has the most kernels), or rewrite the operator.",
    ),
    remedy(
        "layer of Python's own",
        r"TensorFlow\.js has no layer (\w+)",
        "It is a TensorFlow operation inside a Keras model, or a layer of somebody's own.",
        "Convert the model to a graph model, which has no layers, or build it of Keras's layers alone.",
    ),
    remedy(
        "layers model unloadable",
        r"no layers model: |TensorFlow\.js cannot load the layers model",
        "TensorFlow.js's layers library holds less than Keras does.",
        "Convert a graph variant (`float32`, `float16`, …), which has no such limits, or build that layer otherwise.",
    ),
    remedy(
        "no layers to write",
        r"a layers model is made from a Keras model",
        "What a SavedModel or a function keeps of a model has no layers.",
        "Convert a graph variant (`float32`, `float16`, …), or name the `.keras` or `.h5` file.",
    ),
    remedy(
        "hybrid model on Micro",
        r"Hybrid models are not supported on TFLite Micro|Input type: FLOAT32 with filter type: INT8 not supported"
        r"|float32 input with int8 weights, as a hybrid",
        "Microcontroller runtimes refuse int8 weights beside float activations (dynamic range), and the uint8 of files"
        " from before TFLite's int8.",
        "Convert `int8` (or `float32`) for microcontrollers.",
    ),
    remedy(
        "float16 model on Micro",
        r"Node DEQUANTIZE .*input->type == kTfLiteInt8|DEQUANTIZE \(operator.*conversion of float16 to float32",
        "The weights are stored in float16, which microcontroller runtimes do not unpack.",
        "Convert `int8` (or `float32`) for microcontrollers.",
    ),
    remedy(
        "TensorFlow operator on Micro",
        r"TensorFlow's, which Micro does not have|op code CUSTOM \(Flex\w+",
        "TensorFlow's own operators need the Flex delegate, which no microcontroller has.",
        "Rewrite the operator so that the variant `float32` or `int8` converts with builtin operators alone; `harness"
        " assess` names a rewrite where one is known.",
    ),
    remedy(
        "softmax too fine for reference kernels",
        r"reference kernels of TFLite and Micro abort where the input's scale|\(SOFTMAX\): beta .* leaves no precision",
        "The calibration data gave the softmax inputs that hardly differ, as an untrained model does.",
        "Train the model, calibrate with data that it tells apart, run it on other than reference kernels, or convert"
        " `dynamic` or `float16`.",
    ),
    remedy(
        "custom operator on Micro",
        r"Failed to get registration from op code CUSTOM",
        "TensorFlow Lite Micro has no custom operators but its own.",
        "Register the operator in the firmware's own op resolver, or rewrite it with builtin ones.",
    ),
    remedy(
        "int16x8 recurrent layer",
        r"Quantization to 16x8-bit not yet supported for op: '?(UNIDIRECTIONAL_SEQUENCE_LSTM|LSTM|WHILE)",
        "The 16x8 quantiser has no recurrent layers.",
        "Convert `int8`, or build the layer with `unroll=True`, which leaves plain operators.",
    ),
    remedy(
        "operator not quantisable to 16x8",
        r"Quantization to 16x8-bit not yet supported for op: '?(\w+)",
        "The 16x8 quantiser has no {1}.",
        "Try `int8`, which has more operators, or convert `float16`.",
    ),
    remedy(
        "operator not quantisable",
        r"the int8 quantiser left (\w[\w, ]*) in float",
        "It has no int8 form of {1}, computes that in float between the others, and does not say so.",
        "Rewrite the operator, convert `dynamic` or `float16`, or take `integer_only` back where float is good enough.",
    ),
    remedy(
        "integer input not quantisable to 16x8",
        r"Max and min for dynamic tensors should be recorded during calibration: Failed for tensor serving_default_",
        "The 16x8 quantiser takes models with float inputs alone.",
        "Convert `int8` or `dynamic`, which leave integer inputs as they are.",
    ),
    remedy(
        "loop not calibrated",
        r"Max and min for dynamic tensors should be recorded during calibration",
        "A loop of the model was never entered during calibration, or its tensors change shape.",
        "Unroll the loop (`unroll=True`), or take `dynamic`, which needs no calibration.",
    ),
    remedy(
        "signature missing",
        r"has no signature|has several signatures|no signature '",
        "The folder does not say which of its functions is the model.",
        'Choose one with `signature = "NAME"` in harness.toml, or save the model with `signatures=`.',
    ),
    remedy(
        "converter crashed on infinite values",
        r"the converter died of SIG\w+ during 'convert'.*infinite values",
        "Of those the quantiser can make no scale, and dies.",
        "Give inputs that the model is for (`data`), keep it from infinity (clip before a logarithm or a division), or"
        " convert `dynamic` or `float16`, which are not calibrated.",
    ),
    remedy(
        "converter crashed on a loop",
        r"the converter died of SIG\w+ during 'convert'.*has a loop",
        "TensorFlow 2.19's quantiser dies of recurrent layers that are loops.",
        "Build recurrent layers with `unroll=True`, take `dynamic` or `float16`, or try another converter"
        ' (`converter = ["tensorflow==…"]` in a [variants.NAME]).',
    ),
    remedy(
        "converter crashed",
        r"the converter died of (SIG\w+) during 'convert'",
        "That is the converter's own fault; what brought it about was not seen.",
        "Convert another variant (`dynamic` and `float16` are not calibrated), or try another converter"
        ' (`converter = ["tensorflow==…"]` in a [variants.NAME]).',
    ),
    remedy(
        "Flex delegate missing",
        r"Select TensorFlow op\(s\)|Flex\w+.*(?:not supported by this|[Dd]elegate)",
        "The artifact has TensorFlow operators, and this interpreter was built without them.",
        "Run it in tflite/tensorflow or link the Flex delegate, or convert with builtin operators alone.",
    ),
    remedy(
        "custom operator unregistered",
        r"[Uu]nresolved custom op: ?([^\s.,;]+)?",
        "The runtime does not know the custom operator {1}.",
        "Name the library that registers it under [models.NAME.custom_operators]; it runs where that library does.",
    ),
    remedy(
        "operator version too new",
        r"Didn't find op for builtin opcode '(\w+)' version '([2-9]|\d\d+)'",
        "The runtime is older than the converter: it has no version {2} of {1}.",
        'Convert with an older TensorFlow for it (`converter = ["tensorflow==…"]` in a [variants.NAME]), or raise the'
        " runtime.",
    ),
    remedy(
        "operator missing in Micro",
        r"Didn't find op for builtin opcode '(\w+)'",
        "The runtime has no kernel for {1}.",
        "Rewrite the operator, or register its kernel where the runtime is built.",
    ),
    remedy(
        "activation too fine",
        r"no_integer_overflow_from_quantization was not true",
        "The calibration data gave an activation values so small, as an untrained model does, that in steps of their"
        " scale the limit of its ReLU6 (or the like) is beyond 32 bits.",
        "Train the model, calibrate with data like that in use, or convert `dynamic` or `float16`.",
    ),
    remedy(
        "converter wrote what does not load",
        r"the converter reported success and (?:its own interpreter|TensorFlow)",
        "The converter ended without an error, and what it wrote is wrong.",
        "Do not ship it: rewrite the operator that is named, or try another converter version.",
    ),
)
