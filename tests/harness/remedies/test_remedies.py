"""Every entry of the catalogue, triggered for real: by the converters, the interpreters and the installed packages."""

import subprocess
import textwrap
from pathlib import Path

import numpy as np
import pytest

from harness import registry
from harness.errors import CaseError, Crashed, Failed, UnexpectedError, Unsupported
from harness.project import model_entries
from harness.remedies.catalogue import CATALOGUE
from harness.remedies.explain import find_remedy, reason

ENTRIES = Path(__file__).parents[1] / "assess" / "entries.py"
FORMATS = registry.formats()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "entries.py").write_text(ENTRIES.read_text())
    return folder


@pytest.fixture
def failure(project, converter):
    """The error that converting one variant of an entry point, or of a file, ends with."""

    def failure(source, form="tflite", variant="float32"):
        kind = f'entry = "entries:{source}"' if "/" not in source else f'path = "{source}"'
        (project / "harness.toml").write_text(f"[models.it]\n{kind}\n")
        found = model_entries(project)["it"]
        with pytest.raises(CaseError) as caught:
            converter.convert(converter.prepare(found), FORMATS[form], FORMATS[form].variant(variant))
        return caught.value

    return failure


def name_of(problem):
    explanation = find_remedy(str(problem), problem.log)
    return explanation.remedy.name if explanation else None


@pytest.mark.parametrize(
    ("source", "form", "variant", "expected"),
    [
        ("inverse", "tflite", "float32", "select TF needed"),
        ("python_function", "tflite", "select-tf", "neither custom nor flex"),
        ("open_lstm", "tflite", "float32", "dynamic tensor list"),
        ("lgamma", "tflite", "int16x8", "operator not quantisable to 16x8"),
        ("tokens", "tflite", "int16x8", "integer input not quantisable to 16x8"),
        ("fused_lstm", "tflite", "int16x8", "int16x8 recurrent layer"),
        ("lgamma", "tfjs", "float32", "TF.js operator missing"),
        ("fft", "tflite", "float32", "converter wrote what does not load"),
        ("counted", "tflite", "int16x8", "loop not calibrated"),
        ("feeble", "tflite", "int16x8", "activation too fine"),
        ("counter", "tfjs", "float32", "state in variables"),
        ("lstm", "tflite", "int8", "converter crashed on a loop"),
    ],
)
def test_conversion_failures(failure, source, form, variant, expected):
    problem = failure(source, form, variant)
    assert name_of(problem) == expected
    assert isinstance(problem, Crashed if expected.startswith("converter crashed") else (Unsupported, Failed))
    assert "\n" not in reason(problem)


def test_an_operator_that_tfjs_lacks_is_named(failure):
    assert "TensorFlow.js has no operator Lgamma." in reason(failure("lgamma", "tfjs"))


SAVED = {
    "no_signature": "tf.saved_model.save(tf.Module(), folder)",
    "several": """
        module = tf.Module()
        f = tf.function(lambda x: {"y": x}, input_signature=[tf.TensorSpec((1, 2), name="x")])
        module.f = f
        tf.saved_model.save(module, folder, signatures={"a": f, "b": f})
        (pathlib.Path(folder) / "tfhub_module.pb").write_bytes(b"")
        """,
    "unfrozen.tflite": """
        import keras
        class Holder(tf.Module):
            def __init__(self):
                x = keras.Input((8,))
                self.model = keras.Model(x, keras.layers.Dense(3)(x))
            @tf.function(input_signature=[tf.TensorSpec((1, 8), name="x")])
            def serve(self, x):
                return {"y": self.model(x)}
        holder = Holder()
        tf.saved_model.save(holder, folder + "_saved", signatures={"serving_default": holder.serve})
        content = tf.lite.TFLiteConverter.from_saved_model(folder + "_saved").convert()
        pathlib.Path(folder).write_bytes(content)
        """,
}


@pytest.fixture(scope="module")
def saved(converter_python, tmp_path_factory):
    """The folder with all of `SAVED`, written by one TensorFlow."""
    folder = tmp_path_factory.mktemp("saved")
    programs = [f"folder = {str(folder / name)!r}\n{textwrap.dedent(text)}" for name, text in SAVED.items()]
    program = "\n".join(["import pathlib", "import tensorflow as tf", *programs])
    subprocess.run([converter_python, "-c", program], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("no_signature", "signature missing"),
        ("several", "signature missing"),
        ("unfrozen.tflite", "variables not frozen"),
    ],
)
def test_failures_of_sources(failure, saved, source, expected):
    assert name_of(failure(str(saved / source))) == expected


@pytest.fixture(scope="module")
def artifact(project, converter):
    """An artifact of an entry point."""

    def artifact(source, variant, form="tflite"):
        (project / "harness.toml").write_text(f'[models.it]\nentry = "entries:{source}"\n')
        prepared = converter.prepare(model_entries(project)["it"])
        return converter.convert(prepared, FORMATS[form], FORMATS[form].variant(variant))

    return artifact


@pytest.fixture
def refusal_of_micro(artifact, tflite_micro_python):
    """What TensorFlow Lite Micro says to one variant of an entry point."""

    def refusal(source, variant):
        made = artifact(source, variant)
        zeros = {info.name: np.zeros((1, *info.shape), info.dtype) for info in made.inputs}
        (problem,) = registry.targets()["tflm/host"].try_each([made], [zeros])
        assert isinstance(problem, Unsupported)
        return problem

    return refusal


def test_micro_refuses_hybrid_models(refusal_of_micro):
    assert name_of(refusal_of_micro("wide_dense", "dynamic")) == "hybrid model on Micro"


def test_micro_does_not_unpack_float16(refusal_of_micro):
    assert name_of(refusal_of_micro("wide_dense", "float16")) == "float16 model on Micro"


@pytest.mark.parametrize(
    ("source", "variant", "operator", "expected"),
    [
        ("inverse", "select-tf", "FlexMatrixInverse", "TensorFlow operator on Micro"),
        ("python_function", "custom", "PyFunc", "custom operator on Micro"),
    ],
)
def test_micro_has_neither_tensorflows_operators_nor_a_users(refusal_of_micro, source, variant, operator, expected):
    problem = refusal_of_micro(source, variant)
    assert operator in str(problem)
    assert name_of(problem) == expected


def test_what_micro_is_known_to_lack_reads_as_what_it_says_itself(artifact):
    (lacking,) = registry.targets()["tflm/host"].unsupported_operators(artifact("inverse", "select-tf"))
    assert name_of(Unsupported(lacking)) == "TensorFlow operator on Micro"


@pytest.mark.parametrize(
    ("source", "variant", "expected"),
    [
        ("wide_dense", "float16", "float16 model on Micro"),
        ("wide_dense", "dynamic", "hybrid model on Micro"),
        ("faint", "int8", "softmax too fine for reference kernels"),
    ],
)
def test_a_plan_for_a_board_is_refused_as_micro_refuses(artifact, source, variant, expected):
    lacking = registry.targets()["mcu/qemu-cortex-m4"].unsupported_operators(artifact(source, variant))
    assert name_of(Unsupported("; ".join(lacking))) == expected


def test_a_plan_for_a_board_has_variables_as_micro_has(artifact):
    assert registry.targets()["mcu/qemu-cortex-m4"].unsupported_operators(artifact("counter", "float32")) == ()


@pytest.mark.parametrize("name", ["tflite/litert-reference", "tflm/host"])
def test_a_softmax_of_which_reference_kernels_die(artifact, name):
    (lacking,) = registry.targets()[name].unsupported_operators(artifact("faint", "int8"))
    assert name_of(Unsupported(lacking)) == "softmax too fine for reference kernels"


def test_only_keras_models_have_layers_to_write(failure):
    assert name_of(failure("lgamma", "tfjs", "layers-float32")) == "no layers to write"


def test_micro_lacks_an_operator(refusal_of_micro):
    assert name_of(refusal_of_micro("lgamma", "float32")) == "operator missing in Micro"


@pytest.mark.parametrize(
    ("source", "variant", "expected"),
    [
        ("inverse", "select-tf", "Flex delegate missing"),
        ("python_function", "custom", "custom operator unregistered"),
    ],
)
def test_interpreters_without_an_operator(artifact, litert_python, source, variant, expected):
    target = registry.targets()["tflite/litert-builtin"]
    with pytest.raises(Unsupported) as caught, target.open(artifact(source, variant)):
        pass
    assert name_of(caught.value) == expected


def test_an_old_runtime_lacks_the_version_of_an_operator(artifact, tflite_runtime_python):
    target = registry.targets()["tflite/tflite-runtime"]
    with pytest.raises(Unsupported) as caught, target.open(artifact("new_version", "dynamic")):
        pass
    assert name_of(caught.value) == "operator version too new"


def test_a_reference_that_dies_is_not_taken_for_the_converter_and_a_missing_kernel_not_for_an_old_runtime():
    assert find_remedy("the converter died of SIGABRT during 'reference'") is None
    assert (
        find_remedy("Didn't find op for builtin opcode 'ELU' version '1'.").remedy.name == "operator missing in Micro"
    )
    assert (
        find_remedy("Didn't find op for builtin opcode 'ELU' version '12'.").remedy.name == "operator version too new"
    )


def test_what_nothing_matches_is_shown_as_it_is_whatever_its_log_is_called():
    assert reason(Failed("something new went wrong", "all that was printed")) == "something new went wrong"


def test_a_traceback_of_the_harness_is_no_failure_of_a_converter():
    log = 'File "converter.py"\nRuntimeError: READ_VARIABLE'
    assert reason(Failed("It failed.", log)) != "It failed."
    assert reason(UnexpectedError("It failed.", log)) == "It failed."


@pytest.mark.parametrize("end", ["; tflite/tensorflow cannot run it either", ".", "\nSee instructions", ""])
def test_a_custom_operator_is_named_whole(end):
    message = f"RuntimeError: Encountered unresolved custom op: fake-op-double{end}"
    assert "does not know the custom operator fake-op-double. Name" in reason(Unsupported(message))


def test_micro_says_hybrid_of_old_uint8_files_too():
    """MobileNet v1 of 2018 has uint8 everywhere and no float at all."""
    refusal = (
        "Node CONV_2D (number 0) failed to prepare with status 1; Hybrid models are not supported on TFLite Micro."
    )
    assert "uint8 of files from before" in reason(Unsupported(refusal))


def test_a_layer_that_no_page_has_says_what_it_is_and_what_to_do():
    found = reason(Unsupported("TensorFlow.js has no layer TensorFlowOpLayer"))
    assert "a TensorFlow operation inside a Keras model" in found
    assert "to a graph model" in found


def test_names_are_unique_and_texts_are_sentences():
    assert len({entry.name for entry in CATALOGUE}) == len(CATALOGUE)
    for entry in CATALOGUE:
        assert entry.meaning.endswith(".")
        assert entry.to_do.endswith((".", ")."))
