"""Every way in: what is recognised is said, and the golden is what the model computes."""

import numpy as np
import pytest

from harness import registry
from harness.conversion.sources.request import first_line
from harness.errors import BadInput, CaseError, Failed

WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3) / 8
JAX_INPUTS = "\n[models.it.inputs]\nx = { shape = [1, 4] }"


def outputs(golden):
    (values,) = golden.outputs.values()
    return values


@pytest.mark.parametrize(
    ("toml", "recognised"),
    [
        ('path = "one_signature"', "a SavedModel (it has saved_model.pb), signature only (the only one)"),
        ('path = "two_signatures"\nsignature = "plain"', "signature plain (chosen by name; it also has doubled)"),
        ('path = "model.keras"', "a Keras 3 model (a .keras file)"),
        ('path = "sequential.keras"', "a Keras 3 model (a .keras file)"),
        ('path = "keras_3.h5"', "a Keras 3 .h5 file (it states keras_version 3."),
        ('path = "keras_2.h5"', "a Keras 2 .h5 file (it states keras_version 2.19.0), read by tf_keras"),
        ('path = "hub_called"', "a TF Hub module (its SavedModel is called, and has no signatures), by its __call__"),
        ('path = "hub_first"', "a TF Hub module (it has tfhub_module.pb), signature default"),
        ('path = "ready.tflite"', "a ready TFLite file (it carries the TFL3 mark)"),
        ('path = "tfjs_graph"', "a ready TensorFlow.js graph model (its model.json says so)"),
        ('path = "tfjs_layers/model.json"', "a ready TensorFlow.js layers model (its model.json says so)"),
    ],
)
def test_files_and_folders(prepare, toml, recognised):
    facts, golden = prepare(f'{toml}\ndata = "data.npz"')
    assert recognised in facts["recognised"]
    assert len(golden) == 16
    (x,) = golden.inputs.values()
    np.testing.assert_allclose(outputs(golden), x @ WEIGHTS, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "declared", "recognised"),
    [
        ("keras_model", "", "a Keras 3 model, from the entry point zoo_of_mine.models:keras_model"),
        ("subclassed", JAX_INPUTS, "a Keras 3 model"),
        ("keras_2_model", "", "a Keras 2 (tf_keras) model"),
        ("module", "", "a tf.Module with a function serve"),
        ("function", "", "a tf.function"),
        ("named_otherwise", "", "a tf.function"),
        ("concrete", "", "a concrete function"),
        ("by_jax", JAX_INPUTS, "a JAX function (jax 0.5.3, by jax2tf)"),
        ("jitted", JAX_INPUTS, "a JAX function (jax 0.5.3, by jax2tf)"),
    ],
)
def test_python_entry_points(prepare, function, declared, recognised):
    facts, golden = prepare(f'path = "project"\nentry = "zoo_of_mine.models:{function}"{declared}')
    assert recognised in facts["recognised"]
    (x,) = golden.inputs.values()
    np.testing.assert_allclose(outputs(golden), x @ WEIGHTS, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "names"), [("two_inputs", {"first_part", "b"}), ("dictionary", {"zeta", "alpha"})]
)
def test_keras_models_of_several_inputs(prepare, function, names):
    _, golden = prepare(f'path = "project"\nentry = "zoo_of_mine.models:{function}"')
    assert set(golden.inputs) == names
    np.testing.assert_allclose(outputs(golden), sum(golden.inputs.values()) @ WEIGHTS, rtol=1e-5, atol=1e-6)


def test_data_is_found_by_the_name_that_the_model_gives_its_input(prepare, sources):
    ones = np.ones((3, 4), np.float32)
    np.savez(sources / "named.npz", **{"first part": ones, "b": 2 * ones})
    _, golden = prepare('path = "project"\nentry = "zoo_of_mine.models:two_inputs"\ndata = "named.npz"')
    np.testing.assert_allclose(outputs(golden)[:, 0], 3 * ones @ WEIGHTS, rtol=1e-5)


@pytest.mark.parametrize("name", ["x", "arr_0", "inputs"])
def test_the_array_of_an_only_input_may_have_a_usual_name(prepare, sources, name):
    np.savez(sources / "usual.npz", **{name: np.ones((3, 4), np.float32)})
    _, golden = prepare('path = "sequential.keras"\ndata = "usual.npz"')
    np.testing.assert_allclose(outputs(golden), np.ones((3, 1, 4)) @ WEIGHTS, rtol=1e-5)


@pytest.mark.parametrize(
    ("path", "arrays", "sentence"),
    [
        ("model.keras", ("y",), "the data has no array 'x'; it has y."),
        ("ready.tflite", ("y",), "the data has no array 'x'; it has y."),
        ("model.keras", ("x", "y"), "the data has an array 'y', and the model has no such input; it has x."),
    ],
)
def test_an_array_that_no_input_takes_is_refused(prepare, sources, path, arrays, sentence):
    np.savez(sources / "strange.npz", **{name: np.ones((3, 4), np.float32) for name in arrays})
    with pytest.raises(BadInput) as caught:
        prepare(f'path = "{path}"\ndata = "strange.npz"')
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


STATED = [
    *(f'path = "{path}"' for path in ("model.keras", "one_signature", "hub_called", "ready.tflite")),
    *(
        f'path = "project"\nentry = "zoo_of_mine.models:{name}"'
        for name in ("keras_2_model", "module", "function", "concrete")
    ),
]


@pytest.mark.parametrize("toml", STATED)
@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ("wrong = { shape = [1, 4] }", "declares 'wrong', and the model has no such input; it has "),
        ("{name} = { shape = [1, 5] }", "as float32 [1, 5], and the model takes float32 [1, 4]; correct it"),
        ('{name} = { shape = [1, 4], dtype = "int32" }', "as int32 [1, 4], and the model takes float32 [1, 4]"),
    ],
)
def test_a_declared_input_that_contradicts_the_model_is_refused(prepare, toml, declared, sentence):
    name = "dense_input" if "keras_2" in toml else "x"
    with pytest.raises(BadInput) as caught:
        prepare(f"{toml}\n[models.it.inputs]\n{declared.replace('{name}', name)}")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_declared_input_gives_open_dimensions_their_size(prepare):
    facts, golden = prepare('path = "one_signature"\n[models.it.inputs]\nx = { shape = [3, 4] }')
    assert facts["inputs"] == [{"name": "x", "shape": [3, 4], "dtype": "float32"}]
    assert outputs(golden).shape[1:] == (3, 3)


def test_a_keras_model_of_any_size_is_exported_with_the_declared_one(prepare):
    toml = (
        'path = "project"\nentry = "zoo_of_mine.models:open_size"\n[models.it.inputs]\nimage = { shape = [1, 5, 6, 3] }'
    )
    facts, golden = prepare(toml)
    assert facts["inputs"] == [{"name": "image", "shape": [1, 5, 6, 3], "dtype": "float32"}]
    assert outputs(golden).shape[1:] == (1, 3, 4, 2)


def test_a_signature_is_chosen_by_its_name(prepare):
    _, golden = prepare('path = "two_signatures"\nsignature = "doubled"')
    np.testing.assert_allclose(golden.outputs["twice"], 2 * golden.inputs["x"] @ WEIGHTS, rtol=1e-5, atol=1e-6)


def test_names_that_python_does_not_take_are_kept_as_they_are_written(prepare, converter, entry):
    facts, golden = prepare('path = "odd_names"')
    assert [spec["name"] for spec in facts["inputs"]] == ["age (years)"] == list(golden.inputs)
    expected = golden.inputs["age (years)"] @ WEIGHTS
    np.testing.assert_allclose(golden.outputs["scores/out:0"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(golden.outputs["größe"], 2 * expected, rtol=1e-5, atol=1e-6)
    prepared = converter.prepare(entry('path = "odd_names"'))
    for form, variant in (("tflite", "int8"), ("tfjs", "float32")):
        recipe = registry.formats()[form].variant(variant)
        artifact = converter.convert(prepared, registry.formats()[form], recipe)
        assert [info.name for info in artifact.inputs] == ["age (years)"]
        assert {info.name for info in artifact.outputs} == {"scores/out:0", "größe"}
        reference = converter.reference(prepared, artifact, registry.formats()[form]).read()
        assert set(reference) == {"scores/out:0", "größe"}


def test_names_that_numpy_takes_for_its_own_parameters_are_names(prepare, converter, entry):
    _, golden = prepare('path = "names_of_parameters"')
    expected = (golden.inputs["file"] + golden.inputs["allow_pickle"]) @ WEIGHTS
    np.testing.assert_allclose(golden.outputs["file"], expected, rtol=1e-5, atol=1e-5)
    prepared = converter.prepare(entry('path = "names_of_parameters"'))
    form = registry.formats()["tflite"]
    artifact = converter.convert(prepared, form, form.variant("int8"))  # which is calibrated, by the inputs' names
    reference = converter.reference(prepared, artifact, form)
    assert set(reference.read()) == {"file", "args"}
    assert not converter.conditioning(prepared, artifact, form, reference).problem


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("twice", "the file has 2 outputs whose signature maps again and y to one of them"),
        ("passed_through", "the file's signature calls '[^']+' its input 'x', which is none of its inputs"),
    ],
)
def test_an_integer_file_whose_signature_names_the_wrong_tensors_fails_and_says_so(converter, entry, path, words):
    form = registry.formats()["tflite"]
    prepared = converter.prepare(entry(f'path = "{path}"'))
    with pytest.raises(Failed, match=words):
        converter.convert(prepared, form, form.variant("uint8"))
    converter.convert(prepared, form, form.variant("float32"))


def test_open_dimensions_of_the_source_are_kept_as_a_fact(prepare):
    facts, _ = prepare('path = "one_signature"')
    assert facts["open_dimensions"] == {"x": [None, 4]}
    assert facts["inputs"] == [{"name": "x", "shape": [1, 4], "dtype": "float32"}]


def test_an_entry_point_is_prepared_again_when_a_module_that_it_imports_changes(sources, entry):
    toml = 'path = "project"\nentry = "zoo_of_mine.models:function"'
    before = entry(toml).source.identity()
    numbers = sources / "project" / "zoo_of_mine" / "numbers.py"
    content = numbers.read_text()
    numbers.write_text(content + "\n")
    assert entry(toml).source.identity() != before
    numbers.write_text(content)
    assert entry(toml).source.identity() == before


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        (
            'path = "two_signatures"',
            "has several signatures (doubled, plain) and none is called serving_default; choose",
        ),
        ('path = "two_signatures"\nsignature = "other"', "has no signature 'other'; it has doubled, plain."),
        ('path = "text"', "output 'label' is text, which cannot be compared as numbers; give the number that the text"),
        ('path = "complex"', "output 'y' is complex, which no target gives back; give `tf.math.real(…)` and"),
        ('path = "project"\nentry = "zoo_of_mine.models:ragged"', "output 'y' is ragged (its rows differ in length)"),
        (
            'path = "project"\nentry = "zoo_of_mine.models:nested"',
            "output 'parts' is itself a dict of outputs",
        ),
        (
            'path = "project"\nentry = "zoo_of_mine.models:function"\nsignature = "serve"',
            "which has no function 'serve' to choose; leave `signature` out",
        ),
        ('path = "no_signatures"', "has no signature; save it with `signatures=`."),
        ('path = "weights_only.h5"', "holds weights without a model; save the whole model."),
        ('path = "lambda.h5"', "has a Lambda layer, which is code"),
        ('path = "project"\nentry = "zoo_of_mine.models:missing"', "zoo_of_mine.models has no 'missing'"),
        ('path = "project"\nentry = "zoo_of_mine.models:broken"', "raised RuntimeError: the weights are not here."),
        (
            'path = "project"\nentry = "zoo_of_mine.models:open_size"',
            "; the open sizes of image were made one: give them by `data` or in [models.NAME.inputs].",
        ),
        (
            'path = "project"\nentry = "zoo_of_mine.models:untraceable"',
            "cannot be exported (TypeError: Input 'y' of 'AddV2' Op has type int32",
        ),
        (
            'path = "project"\nentry = "zoo_of_mine.models:particular"',
            "the model does not run on its generated inputs (InvalidArgumentError: assertion failed: [only positive",
        ),
        ('path = "project"\nentry = "zoo_of_mine.models:nothing"', "returned a int; return a Keras model"),
        (
            'path = "project"\nentry = "zoo_of_mine.models:jitted"',
            "a JAX function states no shapes; declare each input",
        ),
        (
            'path = "project"\nentry = "zoo_of_mine.models:subclassed"',
            "never called); call it once, or declare [models",
        ),
        ('path = "project"\nentry = "zoo_of_mine.elsewhere:it"', "has no "),
        ('path = "project"\nentry = "nonsense"', "is not of the form package.module:function"),
    ],
)
def test_what_cannot_be_taken_is_one_sentence(prepare, toml, sentence):
    with pytest.raises(BadInput) as caught:
        prepare(toml)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_data_that_the_model_does_not_run_on_is_not_asked_for_again(prepare):
    with pytest.raises(BadInput) as caught:
        prepare('path = "project"\nentry = "zoo_of_mine.models:particular"\ndata = "data.npz"')
    assert "the model does not run on the inputs of `data` (InvalidArgumentError: assertion" in str(caught.value)
    assert "give it" not in str(caught.value)


@pytest.mark.parametrize("function", ["enormous", "enormous_at_once"])
@pytest.mark.parametrize("data", ["", '\ndata = "data.npz"'], ids=["generated", "given"])
def test_memory_that_the_machine_lacks_is_no_bad_input(prepare, function, data):
    with pytest.raises(CaseError, match=r"ResourceExhaustedError: .*OOM when allocating tensor") as caught:
        prepare(f'path = "project"\nentry = "zoo_of_mine.models:{function}"{data}')
    assert not isinstance(caught.value, BadInput)
    assert not caught.value.lasting, "another time there may be room"
    assert "inputs" not in str(caught.value)


def test_of_an_error_of_a_graph_the_line_that_says_what_is_wrong_is_told():
    """As TensorFlow 2.19 writes it where memory runs out."""
    text = (
        "Graph execution error:\n\nDetected at node zeros defined at (most recent call last):\n"
        "<stack traces unavailable>\nOOM when allocating tensor with shape[8] and type float\n\t [[{{node zeros}}]]\n"
        "Hint: If you want to see a list of allocated tensors, add an option.\n [Op:__inference_wrapper_116]"
    )
    assert first_line(RuntimeError(text)) == "OOM when allocating tensor with shape[8] and type float"
