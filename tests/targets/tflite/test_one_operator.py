"""One operator of a `.tflite` in a file of its own computes what it did within the model."""

import numpy as np
import pytest

from harness import registry
from harness.conversion.golden import read_golden
from harness.errors import Unsupported
from harness.project import model_entries
from harness_targets.tflite.format import FORMAT
from harness_targets.tflite.one_operator import alone, bare, reads, without_weights
from harness_targets.tflite.operator_outputs import expose, operations

pytestmark = pytest.mark.needs("converter", "litert")


@pytest.fixture(scope="module", params=["int8", "float16"])
def digits(request, converter, tmp_path_factory):
    """A CNN, its inputs, and what each of its results is on LiteRT's own kernels; float16 has constants made of
    constants."""
    prepared = converter.prepare(model_entries(tmp_path_factory.mktemp("project"))["digits_cnn"])
    artifact = converter.convert(prepared, FORMAT, FORMAT.variant(request.param))
    samples = artifact.stored(read_golden(prepared.golden_path).inputs, samples=2)
    target = registry.targets()["tflite/litert-builtin"]
    inner = [info for one in operations(artifact) for info in one.results if info.name not in ("y", *samples)]
    inner = [info for info in inner if info.name not in {one.name for one in artifact.outputs}]
    with target.open(expose(artifact, inner, tmp_path_factory.mktemp("exposed"))) as session:
        return artifact, {**samples, **session.infer(samples)}, target


def test_each_operator_alone_gives_what_it_gives_in_the_model(digits, tmp_path):
    artifact, values, target = digits
    for operation in operations(artifact):
        given = reads(artifact, operation)
        folder = tmp_path / str(operation.index)
        folder.mkdir()
        cut = alone(artifact, operation, given, folder)
        assert cut.bytes < artifact.bytes
        with target.open(cut) as session:
            found = session.infer({f"input_{index}": values[info.name] for index, info in enumerate(given)})
        np.testing.assert_array_equal(found["output_0"], values[operation.results[0].name], err_msg=operation.operator)


def test_the_bare_model_is_the_model_without_what_was_written_beside_it(digits, tmp_path):
    artifact, values, target = digits
    made = bare(artifact, tmp_path)
    assert b"CONVERSION_METADATA" not in made.path.read_bytes()
    with target.open(made) as session:
        found = session.infer({info.name: values[info.name] for info in artifact.inputs})
    for info in artifact.outputs:
        np.testing.assert_array_equal(found[info.name], values[info.name])


def test_without_weights_everything_else_stays(digits, tmp_path):
    artifact, values, target = digits
    made = without_weights(artifact, tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    assert without_weights(artifact, again).digest == made.digest, "of one seed"
    assert [one.operator for one in operations(made)] == [one.operator for one in operations(artifact)]
    with target.open(made) as session:
        found = session.infer({info.name: values[info.name] for info in artifact.inputs})
    assert any((found[info.name] != values[info.name]).any() for info in artifact.outputs)


def test_what_has_graphs_of_its_own_is_not_cut_out(digits):
    artifact, _, _ = digits
    loop = operations(artifact)[0]
    with pytest.raises(Unsupported, match="WHILE has graphs of its own"):
        reads(artifact, type(loop)(loop.index, "WHILE", loop.results, loop.reads))
