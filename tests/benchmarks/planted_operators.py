"""Runs in the converter's environment: one `.tflite` healthy on every kernel family, and with planted faults.

`python planted_operators.py CONVERTER MODEL SAMPLES OUTPUT`: writes an `.npz` with `SIDE/OUTPUT` arrays for the
reference, each family and each fault, and the conditioning as JSON under `conditioning`.
"""

import importlib
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from harness.conversion.conditioning import conditioning
from harness.conversion.format_converter import format_converter

FLOAT_FAULTS = {"1e-4": 1e-4, "1e-5": 1e-5, "half precision": 2.0**-11}
INTEGER_FAULTS = {"1 step": 1, "2 steps": 2, "15 steps": 15}


def generated(info, count):
    random = np.random.default_rng(20261126 + info["index"])
    shape, kind = (count, *info["shape"]), np.dtype(info["dtype"])
    if kind.kind == "f":
        return random.standard_normal(shape).astype(kind)
    if info["quantisation"]:
        return random.integers(np.iinfo(kind).min, np.iinfo(kind).max, shape, endpoint=True).astype(kind)
    return random.integers(0, 2, shape).astype(kind)


def places(perturbation, content, schema):
    """The first, the middle and the last operator whose result rounds, in the main graph."""
    made = perturbation.PerturbedModel(content, schema)
    graph = made.model.subgraphs[0]
    known = {index for index, tensor in enumerate(graph.tensors) if made.is_constant(tensor)}
    found = []
    for number, operator in enumerate(graph.operators):
        reads = [int(index) for index in operator.inputs if index >= 0]
        if reads and known.issuperset(reads):
            known.update(int(index) for index in operator.outputs)
        elif len(operator.outputs) == 1 and perturbation.is_inexact(
            made, graph, operator, reads, int(operator.outputs[0])
        ):
            found.append(number)
    return sorted({found[0], found[len(found) // 2], found[-1]}) if found else []


def planted(perturbation, content, schema, number, amount):
    """A copy in which one operator's result is off: a float by a random factor of 1 ± `amount`, an integer by so many
    steps in every tenth value."""
    made = perturbation.PerturbedModel(content, schema)
    graph = made.model.subgraphs[0]
    operator = graph.operators[number]
    index = int(operator.outputs[0])
    tensor, kind = graph.tensors[index], made.kinds[graph.tensors[index].type]
    before = made.clone_tensor(graph, index)
    operator.outputs = np.array([before], np.int32)
    shape = perturbation.fixed_shape(tensor)
    if kind is np.float32:

        def factors(random, _):
            return (1 + amount * random.standard_normal(shape)).astype(np.float32)

        noise = made.constant(graph, tensor, shape, 0, "fault", factors)
        added = made.binary("MUL", 1, before, noise, index)
    else:
        zero = 128 if kind is np.uint8 else 0

        def steps(random, _):
            return ((random.random(shape) < 0.1) * amount + zero).astype(kind)

        noise = made.constant(graph, tensor, shape, zero, "fault", steps)
        added = made.binary("ADD", perturbation.ADD_VERSIONS[np.dtype(kind).name], before, noise, index)
    graph.operators.insert(number + 1, added)
    return perturbation.NoisyModelTemplate(made).drawn(np.random.default_rng(5), {})


def main(converter, model, samples, output):
    import tensorflow as tf

    module = format_converter(converter)
    perturbation, schema = module.perturbation, module.schema_module()
    interpreters = importlib.import_module(f"{module.__name__}.reference_interpreter")
    path = Path(model)
    content = path.read_bytes()
    inspected = module.inspect(path)
    with np.load(samples, allow_pickle=False) as archive:
        inputs = {name: archive[name] for name in archive.files}
    if not inputs:
        inputs = {info["name"]: generated(info, 8) for info in inspected["inputs"]}
    interpreter, reference = module.reference(path, inspected, inputs)
    arrays = {f"reference/{name}": values for name, values in reference.items()}
    resolvers = tf.lite.experimental.OpResolverType
    from ai_edge_litert import interpreter as litert

    families = {
        "LiteRT XNNPACK": (litert.Interpreter, litert.OpResolverType.AUTO),
        "LiteRT builtin": (litert.Interpreter, litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES),
        "LiteRT reference": (litert.Interpreter, litert.OpResolverType.BUILTIN_REF),
        "TensorFlow XNNPACK": (tf.lite.Interpreter, resolvers.AUTO),
        "TensorFlow builtin": (tf.lite.Interpreter, resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES),
    }
    for name, (kind, resolver) in families.items():

        def opened(kind=kind, resolver=resolver):
            made = kind(model_path=str(path), experimental_op_resolver_type=resolver, num_threads=1)
            made.allocate_tensors()
            return made

        try:
            outputs = interpreters.run(opened(), opened, inspected, inputs)
        except Exception as error:
            print(f"{name} does not run it: {error}", file=sys.stderr)
            continue
        arrays |= {f"healthy: {name}/{output}": values for output, values in outputs.items()}
    other = Path(output).with_suffix(".tflite")
    kinds = {info["dtype"] for info in inspected["outputs"]}
    integers = inspected["scheme"] in ("int8", "int16x8") or not kinds & {"float32"}
    for number in places(perturbation, content, schema):
        for name, amount in (INTEGER_FAULTS if integers else FLOAT_FAULTS).items():
            try:
                other.write_bytes(planted(perturbation, content, schema, number, amount))
                _, outputs = module.reference(other, inspected, inputs)
            except Exception as error:
                print(f"{name} at {number}: {error}", file=sys.stderr)
                continue
            arrays |= {f"fault: {name} at {number}/{output}": values for output, values in outputs.items()}
    other.unlink(missing_ok=True)
    found = conditioning(module, path, inspected, inputs, reference, interpreter)
    document = {"conditioning": found, "inspected": inspected}
    np.savez(output, document=np.frombuffer(json.dumps(document).encode(), np.uint8), **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
