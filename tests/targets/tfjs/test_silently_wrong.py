"""The converter exits 0 and what it wrote is of no use: made with the real converter, reported by the harness."""

import shutil
import subprocess

import pytest

from harness.errors import BadInput, Failed, Unsupported
from harness.remedies.explain import reason
from harness_targets.tfjs import bundles
from harness_targets.tfjs.format import FORMAT
from harness_targets.tfjs.layers_check import load_once
from harness_targets.tfjs.problems import Broken, Refused

pytestmark = pytest.mark.needs("converter", "tfjs", "chromium")
PROGRAM = """
import importlib.util, pathlib, sys
from types import ModuleType
for name in ("tensorflow_decision_forests", "tensorflow_hub"):
    sys.modules.setdefault(name, ModuleType(name))
output = pathlib.Path(sys.argv[1])
import keras, tf_keras
import tensorflow as tf
from tensorflowjs.converters import converter
"""
WRITE = """
folder = output / {name!r}
folder.mkdir()
{build}
converter.convert([*{flags!r}, str(folder / "source"), str(folder / "written")])
"""
KERAS_3 = """
x = keras.Input((4,), name="x")
keras.Model(x, keras.layers.Dense(3)(x)).save(folder / "source.h5")
(folder / "source.h5").rename(folder / "source")
"""
SLOPED = """
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
LAYERS = ("--input_format=keras", "--output_format=tfjs_layers_model")
SOURCES = {
    "keras_3": (KERAS_3, *LAYERS),
    "sloped": (SLOPED, *LAYERS),
    "constant_branch": (CONSTANT_BRANCH, "--input_format=tf_saved_model", "--control_flow_v2=True"),
    "constant_branch_1": (CONSTANT_BRANCH, "--input_format=tf_saved_model"),
    "unsupported": (UNSUPPORTED, "--input_format=tf_saved_model", "--skip_op_check"),
}
UNWRITABLE = """
spec = importlib.util.spec_from_file_location(
    "formats", sys.argv[2], submodule_search_locations=[str(pathlib.Path(sys.argv[2]).parent)]
)
formats = sys.modules["formats"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(formats)
module = tf.Module()
module.f = tf.function(lambda x: {"y": 2.0 * x}, input_signature=[tf.TensorSpec((1, 4), name="x")])
tf.saved_model.save(module, str(output / "saved"), signatures={"serving_default": module.f})
try:
    formats.convert(output / "saved", {"weights": "float32"}, None, pathlib.Path("/proc/nowhere"))
except Exception as error:
    print(type(error).__name__)
"""


@pytest.fixture(scope="module")
def all_written(converter_python, tmp_path_factory):
    """A folder for each of `SOURCES` with what tensorflowjs's own command writes of it, and the last words of
    `UNWRITABLE`. One process makes them all: TensorFlow and tensorflowjs take 5 s of processor to start."""
    folder = tmp_path_factory.mktemp("written")
    writes = [WRITE.format(name=name, build=build, flags=flags) for name, (build, *flags) in SOURCES.items()]
    program = "\n".join([PROGRAM, *writes, UNWRITABLE])
    command = [converter_python, "-c", program, folder, FORMAT.converter]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder, done.stdout.split()[-1]


@pytest.fixture
def written(all_written, tmp_path):
    """What tensorflowjs wrote of one of `SOURCES`, reporting success: a copy, whose source lies beside it."""
    return lambda name: shutil.copytree(all_written[0] / name, tmp_path / name) / "written"


@pytest.fixture
def resources(target):
    target("cpu")
    return {"node": shutil.which("node"), "bundles": str(bundles.directory())}


def test_a_keras_3_h5_as_tensorflowjs_writes_it_is_caught_by_loading_it(written, resources, entry, converter):
    folder = written("keras_3")
    with pytest.raises((Broken, Refused), match=r"TensorFlow\.js (cannot load|does not take)"):
        load_once(folder / "model.json", resources)
    with pytest.raises(BadInput, match="written from a Keras 3 model") as caught:
        converter.prepare(entry(str(folder)))
    assert "\n" not in str(caught.value)


def test_the_harness_writes_one_that_does_load(written, converted):
    source = written("keras_3").with_name("source")
    model = converted(str(source.rename(source.with_suffix(".h5"))))
    assert model.artifact.operators == {"Dense": 1}


def test_a_setting_that_tensorflowjs_passes_over_in_silence_is_found_out(written, resources, target, converted):
    """It loads, it runs, and it computes something else: the ready model's runtime differs from its reference."""
    folder = written("sloped")
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
    folder = written("constant_branch")
    with pytest.raises(BadInput, match=r"the function \w+ returns '[\w/]+:output:0', which it does not have") as caught:
        converter.prepare(entry(str(folder)))
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_written_are_no_answer_of_the_converter(all_written):
    """A refusal would be kept; a full disk may be less full another time."""
    assert all_written[1] in ("NotFoundError", "PermissionDeniedError", "FileNotFoundError")


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
    folder = written("constant_branch_1")
    described = (folder / "model.json").read_text()
    (folder / "model.json").write_text(described.replace('"shape": [', '"of": -Infinity, "shape": [', 1))
    with pytest.raises(BadInput, match="it holds -Infinity, which no browser reads") as caught:
        converter.prepare(entry(str(folder)))
    assert "\n" not in str(caught.value)


@pytest.fixture
def skipped(written):
    return written("unsupported")


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
