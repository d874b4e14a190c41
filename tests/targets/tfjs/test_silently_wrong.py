"""The converter exits 0 and what it wrote is of no use: made with the real converter, reported by the harness."""

import shutil
import subprocess
import textwrap

import pytest

from harness.errors import BadInput, Failed, Unsupported
from harness.remedies.explain import reason
from harness_targets.tfjs import bundles
from harness_targets.tfjs.format import FORMAT
from harness_targets.tfjs.layers_check import load_once
from harness_targets.tfjs.problems import Broken, Refused

pytestmark = pytest.mark.needs("converter", "tfjs", "chromium")
REAL_CONVERTER = """
import pathlib, sys
from types import ModuleType
for name in ("tensorflow_decision_forests", "tensorflow_hub"):
    sys.modules.setdefault(name, ModuleType(name))
folder = pathlib.Path(sys.argv[1])
import tensorflow as tf
from tensorflowjs.converters import converter
{build}
converter.convert([{flags}, str(folder / "source"), str(folder / "written")])
"""
KERAS_3 = """
import keras
x = keras.Input((4,), name="x")
keras.Model(x, keras.layers.Dense(3)(x)).save(folder / "source.h5")
(folder / "source.h5").rename(folder / "source")
"""
SLOPED = """
import tf_keras
x = tf_keras.Input((4,), name="x")
tf_keras.Model(x, tf_keras.layers.ReLU(negative_slope=0.5)(x)).save(folder / "source.h5")
(folder / "source.h5").rename(folder / "source")
"""
UNSUPPORTED = """
module = tf.Module()
weights = tf.reshape(tf.range(400.0), (4, 100))
module.f = tf.function(lambda x: {"y": tf.math.lgamma(x @ weights)}, input_signature=[tf.TensorSpec((1, 4), name="x")])
tf.saved_model.save(module, str(folder / "source"), signatures={"serving_default": module.f})
"""


CONSTANT_BRANCH = """
module = tf.Module()
def choose(x):
    branches = lambda: (tf.constant([[7.0, 8.0]]), 2.0 * x), lambda: (x - 1.0, tf.exp(x))
    return dict(zip(("constant", "computed"), tf.cond(tf.reduce_sum(x) > 0, *branches)))
module.f = tf.function(choose, input_signature=[tf.TensorSpec((1, 2), name="x")])
tf.saved_model.save(module, str(folder / "source"), signatures={"serving_default": module.f})
"""


@pytest.fixture
def written(converter_python, tmp_path):
    """What tensorflowjs's own command writes, once it has ended with exit code 0."""

    def written(build, *flags):
        program = REAL_CONVERTER.format(build=textwrap.dedent(build), flags=", ".join(map(repr, flags)))
        done = subprocess.run([converter_python, "-c", program, tmp_path], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return tmp_path / "written"

    return written


@pytest.fixture
def resources(target):
    target("cpu")
    return {"node": shutil.which("node"), "bundles": str(bundles.directory())}


def test_a_keras_3_h5_as_tensorflowjs_writes_it_is_caught_by_loading_it(written, resources, entry, converter):
    folder = written(KERAS_3, "--input_format=keras", "--output_format=tfjs_layers_model")
    with pytest.raises((Broken, Refused), match=r"TensorFlow\.js (cannot load|does not take)"):
        load_once(folder / "model.json", resources)
    with pytest.raises(BadInput, match="written from a Keras 3 model") as caught:
        converter.prepare(entry(str(folder)))
    assert "\n" not in str(caught.value)


def test_the_harness_writes_one_that_does_load(written, converted, tmp_path):
    written(KERAS_3, "--input_format=keras", "--output_format=tfjs_layers_model")
    (tmp_path / "source").rename(tmp_path / "source.h5")
    model = converted(str(tmp_path / "source.h5"))
    assert model.artifact.operators == {"Dense": 1}


def test_a_setting_that_tensorflowjs_passes_over_in_silence_is_found_out(written, resources, target, converted):
    """It loads, it runs, and it computes something else: the ready model's runtime differs from its reference."""
    folder = written(SLOPED, "--input_format=keras", "--output_format=tfjs_layers_model")
    load_once(folder / "model.json", resources)
    model = converted(str(folder))
    with target("cpu").open(model.artifact) as session:
        (found,) = session.infer(model.samples).values()
    (expected,) = model.reference.values()
    assert (found != expected).any()


def test_a_skipped_operator_check_is_a_failed_conversion_that_names_the_operator(converted):
    with pytest.raises(Failed, match=r"the converter reported success, and .* has no operator Lgamma") as caught:
        converted("lgamma", "float32", skip_operator_check=True)
    assert "\n" not in reason(caught.value)


def test_a_branch_that_returns_a_constant_loses_it_and_is_refused_by_name(written, entry, converter):
    """tensorflowjs renames the constant and not what the branch returns; TensorFlow.js passes over it."""
    folder = written(CONSTANT_BRANCH, "--input_format=tf_saved_model", "--control_flow_v2=True")
    with pytest.raises(BadInput, match=r"the function \w+ returns '[\w/]+:output:0', which it does not have") as caught:
        converter.prepare(entry(str(folder)))
    assert "\n" not in str(caught.value)


UNWRITABLE = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location(
    "formats", sys.argv[1], submodule_search_locations=[str(pathlib.Path(sys.argv[1]).parent)]
)
formats = sys.modules["formats"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(formats)
import tensorflow as tf
module = tf.Module()
module.f = tf.function(lambda x: {"y": 2.0 * x}, input_signature=[tf.TensorSpec((1, 4), name="x")])
tf.saved_model.save(module, sys.argv[2], signatures={"serving_default": module.f})
try:
    formats.convert(pathlib.Path(sys.argv[2]), {"weights": "float32"}, None, pathlib.Path("/proc/nowhere"))
except Exception as error:
    print(type(error).__name__)
"""


def test_files_that_cannot_be_written_are_no_answer_of_the_converter(converter_python, tmp_path):
    """A refusal would be kept; a full disk may be less full another time."""
    command = [converter_python, "-c", UNWRITABLE, FORMAT.converter, tmp_path / "saved"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] in ("NotFoundError", "PermissionDeniedError", "FileNotFoundError")


def test_a_hash_table_is_refused_where_it_is_written_and_not_where_it_would_run(converted):
    with pytest.raises(Unsupported, match="looks up in a hash table") as caught:
        converted("lookup", "float32")
    assert "gather from a constant tensor" in reason(caught.value)


@pytest.mark.parametrize("variant", ["uint8", "uint16"])
def test_an_infinite_weight_that_is_quantised_leaves_no_json_and_is_a_failed_conversion(converted, variant):
    with pytest.raises(Failed, match=rf"holds infinite values, which {variant} cannot store: no browser") as caught:
        converted("masked", variant)
    assert "Convert `float32` or `float16`" in reason(caught.value)


@pytest.mark.parametrize("variant", ["float32", "float16"])
def test_infinite_weights_are_stored_as_floats(target, converted, variant):
    model = converted("masked", variant)
    with target("wasm").open(model.artifact) as session:
        (found,) = session.infer(model.samples).values()
    (expected,) = model.golden.values()
    assert abs(found - expected).max() < 1e-6


def test_a_ready_model_with_numbers_that_are_no_json_is_refused(written, entry, converter):
    folder = written(CONSTANT_BRANCH, "--input_format=tf_saved_model")
    described = (folder / "model.json").read_text()
    (folder / "model.json").write_text(described.replace('"shape": [', '"of": -Infinity, "shape": [', 1))
    with pytest.raises(BadInput, match="it holds -Infinity, which no browser reads") as caught:
        converter.prepare(entry(str(folder)))
    assert "\n" not in str(caught.value)


@pytest.fixture
def skipped(written):
    return written(UNSUPPORTED, "--input_format=tf_saved_model", "--skip_op_check")


def test_a_ready_model_whose_check_was_skipped_ends_in_the_browser_by_name(skipped, target, converted):
    model = converted(str(skipped))
    with (
        target("cpu").open(model.artifact) as session,
        pytest.raises(Unsupported, match=r"TensorFlow\.js has no operator Lgamma"),
    ):
        session.infer(model.samples)


def test_a_ready_model_without_its_weights_is_refused(skipped, entry, converter):
    for shard in skipped.glob("*.bin"):
        shard.unlink()
    with pytest.raises(BadInput, match=r"its weight file group1-shard1of1\.bin is missing beside it") as caught:
        converter.prepare(entry(str(skipped)))
    assert "\n" not in str(caught.value)
