"""Two requests that differ in anything that decides a result never share an entry.

The fields are walked: one that is added to a request is tried from then on, and fails here until it is part of the
address or its class says why it is none.
"""

import json
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.address import address_of, content_of, field_names, files_below
from harness.artifact import Artifact, CustomLibrary, FileHash, Quantisation, TensorInfo
from harness.budget import SampleBudget
from harness.conversion.choices import CustomOperators
from harness.conversion.converter import Converter
from harness.conversion.model_entry import ModelEntry
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.reference import Reference
from harness.conversion.source import Source
from harness.errors import CaseError
from harness.model import DetectionOutputs, TensorSpec
from harness.run import addressing
from harness.run.addressing import identity_of, latency_key, parity_key
from harness.run.measure import Job
from harness.target import TimingPlan
from harness.variant import Format, Variant
from tests.harness.fakes.target import FakeTarget

HERE = Path(__file__)
OTHER = HERE.with_name("test_cache.py")
QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])

NO_PART = {
    Artifact: {"model", "variant", "key", "converter", "directory"},
    CustomLibrary: {"library"},
    Reference: {"path"},
    Job: {"golden", "plan"},
    Variant: {"summary", "base"},
}
"""What is left out on purpose: names that people give, and places whose content a digest beside them tells."""

names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=8)
numbers = st.integers(-9, 9)
quantisations = st.none() | st.builds(Quantisation, scale=st.floats(0.1, 9), zero_point=numbers)
tensors = st.builds(
    TensorInfo,
    name=names,
    tensor=names,
    index=numbers,
    shape=st.tuples(numbers, numbers),
    dtype=st.sampled_from(["float32", "int8"]),
    quantisation=quantisations,
)
files = st.builds(FileHash, path=names, bytes=numbers, sha256=names)
libraries = st.builds(CustomLibrary, library=names, registerer=names, sha256=names)
options = st.dictionaries(names, names | numbers | st.booleans() | st.lists(names, max_size=2), max_size=3)
paths = st.sampled_from([HERE, OTHER, HERE.parent / "fakes"])
specs = st.builds(TensorSpec, names, st.tuples(numbers), st.sampled_from(["float32", "int8"]))
artifacts = st.builds(
    Artifact,
    **dict.fromkeys(("model", "format", "variant", "key", "digest", "entry", "scheme", "signature"), names),
    files=st.tuples(files),
    inputs=st.lists(tensors, max_size=2).map(tuple),
    outputs=st.lists(tensors, max_size=2).map(tuple),
    subgraph=numbers,
    operators=st.dictionaries(names, numbers, max_size=2),
    converter=st.dictionaries(names, names, max_size=2),
    notes=st.lists(names, max_size=2).map(tuple),
    custom_operators=st.none() | libraries,
    state=st.sampled_from(["none", "variables", "resources"]),
    sequence=st.booleans(),
    directory=paths,
)
references = st.builds(Reference, names, paths, names, names)
switches = dict.fromkeys(("per_operator", "kernels"), st.booleans())
plans = st.builds(
    TimingPlan, numbers, st.floats(0, 9), numbers, st.floats(0, 9), operator_seconds=st.floats(0, 9), **switches
)
pins = st.sampled_from([(), ("numpy==1.0",), ("numpy==2.0", "jax==1.0")])
variants = st.builds(Variant, names, names, options, names, pins)
detectors = st.builds(DetectionOutputs, names, names, names, names, st.floats(0.1, 1))
jobs = st.builds(
    Job,
    names,
    artifacts,
    paths,
    references,
    st.sampled_from(["classification", "regression"]),
    plans,
    reference_standing=names,
    reference_note=names,
    unmeasured=names,
    sequence_reference=st.none() | references,
    budget=st.builds(SampleBudget, st.floats(1, 9), st.none() | numbers),
    detection=st.none() | detectors,
)
custom_operators = st.builds(CustomOperators, library=st.sampled_from([HERE, OTHER]), registerer=names)
REQUESTS = {
    Artifact: artifacts,
    CustomLibrary: libraries,
    TensorInfo: tensors,
    FileHash: files,
    Reference: references,
    Job: jobs,
    Variant: st.builds(Variant, names, names, options, names, pins, made_from=st.none() | variants),
    TimingPlan: plans,
    TensorSpec: specs,
    CustomOperators: custom_operators,
}


def with_field(value, name, other):
    """`value` with the field of that name from `other`."""
    change = {name: getattr(other, name)}
    return replace(value, **change) if is_dataclass(value) else value.model_copy(update=change)


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
@QUICK
@given(data=st.data())
def test_every_field_is_part_of_the_address_or_its_class_says_why_not(kind, data):
    one, other = data.draw(REQUESTS[kind]), data.draw(REQUESTS[kind])
    assert set(getattr(kind, "NOT_IN_ADDRESS", {})) == NO_PART.get(kind, set())
    for name in field_names(kind):
        changed = with_field(one, name, other)
        same = name in NO_PART.get(kind, set()) or content_of(getattr(one, name)) == content_of(getattr(other, name))
        assert (address_of(changed) == address_of(one)) == same, name


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
def test_every_field_can_differ_here(kind):
    """No field keeps one value in all that is drawn, as one that was added and forgotten here would."""
    drawn = {name: set() for name in field_names(kind)}

    @settings(max_examples=60, database=None)
    @given(REQUESTS[kind])
    def draw(value):
        for name, seen in drawn.items():
            seen.add(repr(getattr(value, name)))

    draw()
    assert [name for name, seen in drawn.items() if len(seen) < 2] == []


def test_what_has_no_content_is_refused():
    with pytest.raises(TypeError, match="a function has no content"):
        address_of(lambda: None)


def test_values_that_are_written_alike_differ():
    alike = [1, True, 1.0, "1", [1], {1: 1}, {"1": 1}, b"1", None, "None", [[]], []]
    assert len({address_of(value) for value in alike}) == len(alike)


def test_neighbouring_floats_differ():
    assert address_of(0.1) != address_of(float(np.nextafter(0.1, 1.0)))
    assert address_of(1.0) != address_of(1)


def test_links_are_followed_and_circles_end(tmp_path):
    for name in ("real", "model"):
        (tmp_path / name).mkdir()
    (tmp_path / "real" / "variables").write_bytes(b"1")
    (tmp_path / "model" / "inner").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "again").symlink_to(tmp_path / "model")
    before = address_of(tmp_path / "model")
    assert "inner/variables" in files_below(tmp_path / "model")
    (tmp_path / "real" / "variables").write_bytes(b"2")
    assert address_of(tmp_path / "model") != before


# Sources: every kind, each in a folder with something that is not its own.


def graph_model(folder, name, weight):
    (folder / "shards").mkdir(exist_ok=True)
    (folder / "shards" / f"{name}.bin").write_bytes(weight)
    manifest = [{"paths": [f"./shards/{name}.bin"], "weights": []}]
    (folder / f"{name}.json").write_text(json.dumps({"modelTopology": {}, "weightsManifest": manifest}))


@pytest.fixture
def sources(tmp_path):
    """One source of each kind."""
    graph_model(tmp_path, "a", b"1")
    graph_model(tmp_path, "b", b"2")
    for name in ("net.h5", "net.keras", "net.tflite", "inputs.npz", "weights.bin", "note.txt"):
        (tmp_path / name).write_bytes(name.encode())
    for name in ("saved", "__pycache__/hub"):
        (tmp_path / name / "assets").mkdir(parents=True)
        for inner in ("saved_model.pb", "assets/words.txt"):
            (tmp_path / name / inner).write_bytes(inner.encode())
    (tmp_path / "zoo.py").write_text("from . import part\n")
    (tmp_path / "part.py").write_text("X = 1\n")
    (tmp_path / "net.py").write_text("import part\n\n\ndef one(): ...\n\n\ndef two(): ...\n")
    return {
        "tfjs": Source("tfjs", tmp_path / "a.json"),
        "h5": Source("h5", tmp_path / "net.h5"),
        "keras": Source("keras", tmp_path / "net.keras"),
        "tflite": Source("tflite", tmp_path / "net.tflite"),
        "saved_model": Source("saved_model", tmp_path / "saved"),
        "hub": Source("hub", tmp_path / "__pycache__" / "hub"),
        "zoo": Source("zoo", tmp_path / "zoo.py"),
        "entry_point": Source("entry_point", tmp_path, function="net:one"),
    }


KINDS = ("tfjs", "h5", "keras", "tflite", "saved_model", "hub", "zoo", "entry_point")
NEEDED = {
    "tfjs": {"a.json", "shards/a.bin"},
    "h5": {"net.h5"},
    "keras": {"net.keras"},
    "tflite": {"net.tflite"},
    "saved_model": {"saved_model.pb", "assets/words.txt"},
    "hub": {"saved_model.pb", "assets/words.txt"},
    "zoo": {"zoo.py", "part.py"},
    "entry_point": {"net.py", "part.py"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_that_the_named_model_needs_count_and_no_others(sources, tmp_path, kind):
    source = sources[kind]
    before, needed = source.identity(), source.needed_files()
    assert set(needed) == NEEDED[kind]
    for path in needed.values():
        content = path.read_bytes()
        path.write_bytes(content + b" ")
        assert source.identity() != before, path
        path.write_bytes(content)
    (tmp_path / "note.txt").write_bytes(b"other")
    graph_model(tmp_path, "b", b"3")
    assert source.identity() == before


OTHERS = {
    "path": lambda folder, source: renamed(source),
    "package": lambda *_: "other",
    "weights": lambda folder, _: folder / "weights.bin",
    "data": lambda folder, _: folder / "weights.bin",
    "signature": lambda *_: "other",
    "sequence": lambda *_: True,
    "function": lambda *_: "net:two",
    "inputs": lambda *_: (TensorSpec("x", (1, 2)),),
    "files": lambda folder, _: (folder / "weights.bin",),
    "kind": lambda _, source: {"tflite": "h5", "h5": "keras", "saved_model": "hub"}.get(source.kind, "tflite"),
}
"""Another value for each field of a source."""


def renamed(source):
    """The same content under another name, or for what is named otherwise, another model beside it."""
    if source.kind == "tfjs":
        return source.path.with_name("b.json")
    if source.kind == "entry_point":  # told apart by its function
        return source.path
    return source.path.rename(source.path.with_name(f"other_{source.path.name}"))


@pytest.mark.parametrize("kind", KINDS)
def test_sources_that_differ_in_any_field_differ(sources, tmp_path, kind):
    source = sources[kind]
    before, seen = source.identity(), {}
    for field in sorted(fields(Source), key=lambda field: field.name == "path"):  # what renames comes last
        if kind in ("tfjs", "entry_point", "zoo") and field.name == "kind":
            continue  # their files are found otherwise, and would not be there
        changed = replace(source, **{field.name: OTHERS[field.name](tmp_path, source)})
        seen[field.name] = changed.identity()
    if kind == "entry_point":
        del seen["path"]
    assert before not in seen.values()
    assert len(set(seen.values())) == len(seen), "the same file in two roles is two requests"


def test_a_moved_checkout_keeps_its_identity(sources, tmp_path):
    before = {kind: source.identity() for kind, source in sources.items()}
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    for kind, source in sources.items():
        path = moved / source.path.relative_to(tmp_path)
        assert replace(source, path=path).identity() == before[kind], kind


# Entries: what `Converter` really asks its cache for.


class Recorder(Converter):
    """A converter that makes nothing, and tells under which key it would have looked."""

    def __init__(self):
        self._code = "code"
        self.environment = SimpleNamespace(versions=dict)
        self.key = ""

    def _entry(self, kind, key, write, other=None):
        self.key = key
        raise CaseError(kind)

    def key_of(self, step, *arguments):
        with pytest.raises(CaseError):
            step(*arguments)
        return self.key


FORM = Format("tflite", (), HERE)
prepared_models = st.builds(
    PreparedModel, names, names, st.just(HERE.parent), st.just({}), names, st.none() | custom_operators
)


@QUICK
@given(prepared_models, prepared_models, variants, variants)
def test_conversions_share_an_entry_only_if_nothing_differs(one, other, variant, second):
    converter = Recorder()
    key = converter.key_of(converter.convert, one, FORM, variant)
    assert (converter.key_of(converter.convert, other, FORM, variant) == key) == (one.key == other.key)
    same = address_of(variant) == address_of(second)
    assert (converter.key_of(converter.convert, one, FORM, second) == key) == same
    assert converter.key_of(converter.convert, one, Format("tfjs", (), HERE), variant) != key


@QUICK
@given(prepared_models, prepared_models, artifacts, artifacts)
def test_references_share_an_entry_only_if_nothing_differs(one, other, artifact, second):
    converter = Recorder()
    key = converter.key_of(converter.reference, one, artifact, FORM)
    same = one.golden_digest == other.golden_digest
    assert (converter.key_of(converter.reference, other, artifact, FORM) == key) == same
    assert (converter.key_of(converter.reference, one, second, FORM) == key) == (
        address_of(artifact) == address_of(second)
    )


@QUICK
@given(prepared_models, prepared_models, artifacts, artifacts, references, references)
def test_conditionings_share_an_entry_only_if_nothing_differs(one, other, artifact, second, reference, another):
    converter = Recorder()

    def key_of(*arguments):
        with suppress(CaseError):  # what cannot be measured is said and not raised
            converter.conditioning(*arguments)
        return converter.key

    key = key_of(one, artifact, FORM, reference)
    assert (key_of(other, artifact, FORM, reference) == key) == (one.golden_digest == other.golden_digest)
    assert (key_of(one, second, FORM, reference) == key) == (address_of(artifact) == address_of(second))
    same = (reference.digest, reference.interpreter) == (another.digest, another.interpreter)
    assert (key_of(one, artifact, FORM, another) == key) == same


def test_ready_models_differ_by_the_library_of_their_operators_too(sources):
    converter = Recorder()
    entries = [
        ModelEntry("it", "", "regression", sources["tflite"], True, custom_operators=custom)
        for custom in (
            None,
            CustomOperators(library=HERE, registerer="Register"),
            CustomOperators(library=HERE, registerer="RegisterOther"),
            CustomOperators(library=OTHER, registerer="Register"),
        )
    ]
    assert len({converter.key_of(converter.prepare, entry) for entry in entries}) == 4


@QUICK
@given(jobs, jobs, st.data())
def test_measurements_share_an_entry_only_if_nothing_differs(job, other, data):
    prepared = PreparedModel("", "", HERE.parent, {}, "golden")
    target = identity_of(FakeTarget())
    key = parity_key(target, job, prepared)
    for name in field_names(Job):
        changed = with_field(job, name, other)
        same = address_of(changed) == address_of(job)
        assert (parity_key(target, changed, prepared) == key) == same, name
    assert parity_key(target, job, replace(prepared, golden_digest="other")) != key
    assert parity_key(identity_of(FakeTarget("fake/other")), job, prepared) != key
    assert parity_key(identity_of(FakeTarget(script={"infer": "nan"})), job, prepared) != key
    timed = latency_key(key, job.plan, "machine", target)
    for name in field_names(TimingPlan):
        changed = with_field(job.plan, name, other.plan)
        same = getattr(changed, name) == getattr(job.plan, name)
        assert (latency_key(key, changed, "machine", target) == timed) == same, name
    assert latency_key(key, job.plan, "another", target) != timed
    assert latency_key("other", job.plan, "machine", target) != timed


def test_at_a_place_a_targets_identity_has_its_code_the_place_and_the_places_machine(monkeypatch):
    def place(name="bench", machine="one", runtime="1.0"):
        return SimpleNamespace(
            name=name, machine=SimpleNamespace(id=machine), fingerprint=lambda _: {"runtime": runtime}
        )

    identity = identity_of(FakeTarget(), place())
    assert identity_of(FakeTarget(), place()) == identity
    others = [place("other"), place(machine="two"), place(runtime="1.1")]
    found = [identity.parts, *(identity_of(FakeTarget(), other).parts for other in others)]
    assert len(set(map(repr, found))) == 4
    monkeypatch.setattr(addressing, "code_of", lambda target: "another")
    assert identity_of(FakeTarget(), place()).parts != identity.parts
