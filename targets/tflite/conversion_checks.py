"""What has to hold of a file that the converter reported as a success. Runs in the converter's environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .float_fallback import fallback_operators
from .refusals import Refused, Unloadable, one_line
from .schema import schema_module, text


def check_loads(path: Path) -> None:
    """TensorFlow's own interpreter runs what the converter wrote, on made-up numbers. Raises `Unloadable` where not.

    A converter can end without an error and leave a graph whose shapes contradict each other (TF 2.19: tf.signal.fft).
    """
    import tensorflow as tf

    resolvers = tf.lite.experimental.OpResolverType
    refusal = ""
    for resolver in (resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES, resolvers.BUILTIN_REF):
        try:
            interpreter = tf.lite.Interpreter(model_path=str(path), experimental_op_resolver_type=resolver)
            interpreter.allocate_tensors()
            for detail in interpreter.get_input_details():
                set_something(interpreter, detail)
            interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            refusal = refusal or one_line(error)
            continue
        return
    if "custom op" not in refusal.lower():  # those are the user's to register
        raise Unloadable(f"the converter reported success and its own interpreter cannot run the result: {refusal}")


def set_something(interpreter: Any, detail: dict[str, Any]) -> None:
    """Give an input numbers: integers are zero, as what an allocation leaves there may be no index of a table; floats
    are drawn, as some operators do not take zeros (the inverse of a matrix)."""
    kind = np.dtype(detail["dtype"])
    if kind.kind == "f":
        drawn = np.random.default_rng(0).standard_normal(detail["shape"])
        interpreter.set_tensor(detail["index"], drawn.astype(kind).reshape(detail["shape"]))
    elif kind.kind in "biuc":
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], kind))


def refuse_float(content: bytes) -> None:
    """Raise `Refused`, naming the operators, for a model that is not integer throughout."""
    schema = schema_module()
    found = fallback_operators(schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)), schema)
    if found:
        raise Refused(f"the int8 quantiser left {', '.join(found)} in float, and integer_only was chosen")


def check_signature(content: bytes, schema: Any) -> None:
    """What the converter wrote can be called by the names of its signature. Raises `Unloadable`.

    TensorFlow 2.19 takes for one tensor what the model hands on unchanged or gives twice: of an integer file, whose
    inputs and outputs get operators of their own, the signature then names the wrong ends of these.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for signature in model.signatureDefs or []:
        graph = model.subgraphs[signature.subgraphIndex]
        for side in ("inputs", "outputs"):
            own = {int(index) for index in getattr(graph, side)}
            named: dict[int, list[str]] = {}
            for entry in getattr(signature, side) or []:
                named.setdefault(int(entry.tensorIndex), []).append(text(entry.name))
            for index, names in named.items():
                if index not in own:
                    tensor = text(graph.tensors[index].name)
                    raise Unloadable(
                        f"the converter reported success, and the file's signature calls '{tensor}' its {side[:-1]}"
                        f" '{names[0]}', which is none of its {side}: calls by name compute nonsense; do not hand an"
                        " input on as an output, or let an operator make a copy of it (x * 1.0)"
                    )
            if own - set(named) and any(len(names) > 1 for names in named.values()):
                names = next(names for names in named.values() if len(names) > 1)
                raise Unloadable(
                    f"the converter reported success, and the file has {len(own)} {side} whose signature maps"
                    f" {' and '.join(sorted(names))} to one of them, so that nobody can tell which is which; give each"
                    " value once"
                )
