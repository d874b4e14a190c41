"""Conversions at places: what travels, what never does, and who does it where a place does not."""

import base64
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from harness import registry
from harness.cache import Cache
from harness.conversion.converter import Converter
from harness.conversion.steps import ConversionSteps
from harness.conversion.worker_request import InputFiles, WorkerRequest
from harness.environment import environment
from harness.errors import Crashed, Failed
from harness.places import conversions, place_registry, remote_place, request_handlers
from harness.places.conversions import pack_operation
from harness.places.place_registry import Places
from harness.places.transport import Abandoned
from harness.project import model_entries
from harness.run.engine import Run
from harness.run.matrix import Selection
from harness.run.pool import SilentProgress
from harness.run.settings import Settings
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.link import FakeLink
from tests.harness.fakes.target import FakeTarget


class Worker:
    """The converter's worker: writes `made` into its output, and keeps what it was asked."""

    def __init__(self):
        self.asked = []
        self.read = []
        self.problem = None

    @contextmanager
    def lend(self, _environment, *_):
        yield self

    def call(self, name, seconds, **given):
        self.asked.append((name, given))
        if self.problem is not None:
            raise self.problem
        from pathlib import Path

        self.read = sorted(path.name for path in Path(given["saved_model"]).rglob("*") if path.is_file())
        output = Path(given["output"])
        (output / "parts").mkdir()
        (output / "model.tflite").write_bytes(b"TFL3")
        (output / "parts" / "empty").write_bytes(b"")
        return {"entry": "model.tflite"}, {}


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """The place's own; its machine has the converter."""
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(remote_place, "RETURN_SECONDS", 0.0)
    for module in (request_handlers, conversions, place_registry):
        monkeypatch.setattr(module, "own_identity_of_conversion", lambda installed=True: "alike")
    found = Worker()
    monkeypatch.setattr(conversions.CONVERTERS, "there", lambda: found)
    return found


@pytest.fixture
def operation(tmp_path):
    folder, output = tmp_path / "saved_model", tmp_path / "output"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "data").write_bytes(b"weights")
    output.mkdir()
    return WorkerRequest(
        "convert",
        5.0,
        {"options": {"scheme": "int8"}},
        {"saved_model": InputFiles.of(folder)},
        {"output": output},
        {"converter": registry.formats()["tflite"]},
    )


def place_of(link):
    (place,) = Places(link).by_name.values()
    return place


def written(operation):
    output = operation.writes["output"]
    return sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())


def test_what_is_converted_there_comes_back_with_its_files(worker, operation, tmp_path):
    link = FakeLink(bench={})
    assert place_of(link).convert(operation, "alike") == {"entry": "model.tflite"}
    assert written(operation) == ["model.tflite", "parts/empty"]
    ((name, given),) = worker.asked
    assert (name, given["options"]) == ("convert", {"scheme": "int8"})
    assert worker.read == ["data", "saved_model.pb"]
    assert str(tmp_path / "home") in given["saved_model"]
    assert given["converter"] == str(registry.formats()["tflite"].converter)  # the place's own


def test_no_path_of_the_engine_and_no_code_travels(operation, tmp_path):
    options = {"source": {"kind": "keras", "path": str(tmp_path / "it.keras"), "converter": "/here/converter.py"}}
    (tmp_path / "it.keras").write_bytes(b"PK")
    asked = WorkerRequest(
        "prepare",
        5.0,
        options,
        {"source.path": InputFiles.of(tmp_path / "it.keras")},
        operation.writes,
        {"source.converter": registry.formats()["tflite"]},
    )
    parcel = pack_operation(asked, "alike")
    assert str(tmp_path) not in str(parcel.asked)
    assert "/here" not in str(parcel.asked)
    assert list(parcel.files) == ["source.path/it.keras"]
    assert asked.arguments()["source"]["path"] == str(tmp_path / "it.keras")


def test_files_that_a_place_has_are_not_sent_again(worker, operation):
    link = FakeLink(bench={})
    place = place_of(link)
    for _ in range(2):
        for path in operation.writes["output"].rglob("*"):
            if path.is_file():
                path.unlink()
        if (parts := operation.writes["output"] / "parts").exists():
            parts.rmdir()
        assert place.convert(operation, "alike") is not None
    assert [action for _, action in link.asked].count("receive") == 2


def test_a_place_whose_converter_is_another_is_not_asked(worker, operation):
    assert not place_of(FakeLink(bench={"converter": "another"})).converts
    assert not place_of(FakeLink(bench={"converter": ""})).converts
    place = place_of(FakeLink(bench={}))
    assert place.converts
    assert place.convert(operation, "of another engine") is None
    assert not place.converts
    assert worker.asked == []


def source_of(kind, **more):
    return {"options": {"source": {"kind": kind, "path": ""}}, **more}


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "rewrite"},
        {"forms": {"converter": ("tflite", "0" * 64)}},
        {"forms": {"converter": ("a project's own", "0" * 64)}},
        {"name": "prepare", **source_of("entry_point")},
        {"name": "prepare", **source_of("keras"), "reads": {}},
        {"name": "prepare", **source_of("zoo"), "zoo": ("hello_world", "0" * 64)},
        {"name": "prepare", **source_of("zoo"), "zoo": ("a project's own", "0" * 64)},
    ],
)
def test_a_place_takes_no_code_from_an_engine(worker, operation, monkeypatch, changed):
    def altered(operation, identity):
        parcel = pack_operation(operation, identity)
        return conversions.OperationPayload({**parcel.asked, **changed}, parcel.files, parcel.paths)

    monkeypatch.setattr(remote_place, "pack_operation", altered)
    assert place_of(FakeLink(bench={})).convert(operation, "alike") is None
    assert worker.asked == []
    assert written(operation) == []


def test_what_fails_there_is_not_there(worker, operation):
    worker.problem = Crashed("the converter died")
    place = place_of(FakeLink(bench={}))
    assert place.convert(operation, "alike") is None
    assert place.converts
    assert written(operation) == []


def test_bytes_that_changed_on_the_way_are_not_taken(worker, operation):
    link = FakeLink(bench={})
    link.answers["bench", "read"] = lambda _: {"content": base64.b64encode(b"TFL4").decode()}
    assert place_of(link).convert(operation, "alike") is None
    assert written(operation) == []


@pytest.mark.parametrize("action", ["missing", "receive", "convert", "read"])
def test_a_machine_that_is_lost_leaves_it_to_another_of_its_place_or_to_the_engine(worker, operation, action):
    link = FakeLink(one={"name": "farm"}, two={"name": "farm"})
    link.lost_at["one"] = action
    farm = place_of(link)
    assert farm.convert(operation, "alike") == {"entry": "model.tflite"}
    assert farm.converts
    link.lost_at["two"] = "convert"
    for path in operation.writes["output"].rglob("*.tflite"):
        path.unlink()
    assert farm.convert(operation, "alike") is None
    assert not farm.converts


def test_an_interrupted_run_does_not_begin_it_here(worker, operation, monkeypatch):
    place = place_of(FakeLink(bench={}))

    def ask(*_):
        raise Abandoned("The run was interrupted.")

    monkeypatch.setattr(place._link, "ask", ask)
    with pytest.raises(Abandoned):
        place.convert(operation, "alike")


def test_what_no_place_does_and_what_may_not_travel_is_done_here(tmp_path, operation):
    steps = ConversionSteps(Cache(tmp_path / "cache"), environment("converter"), 1)
    own = steps._children = Worker()
    asked = []
    there = steps.at(SimpleNamespace(convert=lambda operation, identity: asked.append(identity)))
    assert there._do(operation) == {"entry": "model.tflite"}
    assert len(asked) == len(own.asked) == 1
    own.problem = Failed("as ever")
    staying = WorkerRequest("convert", 5.0, operation.options, operation.reads, operation.writes, local_only=True)
    with pytest.raises(Failed, match="as ever"):
        there._do(staying)
    assert len(asked) == 1


def test_a_run_converts_at_its_places_as_well(worker, tmp_path, monkeypatch):
    known = {"fake/plain": FakeTarget("fake/plain")}
    monkeypatch.setattr(registry, "targets", lambda: known)
    monkeypatch.setattr(registry, "installed_targets", lambda: known)
    both = threading.Barrier(2, timeout=60.0)
    at = []

    class Together(FakeConverter):
        """Prepares two models at once or none: one worker on this machine is not enough."""

        def prepare(self, entry):
            both.wait()
            return super().prepare(entry)

        def at(self, elsewhere):
            at.append(elsewhere.name)
            return self

    places = Places(FakeLink(bench={})).by_name
    chosen = gather_cases(places, known)
    settings = Settings(tmp_path, tmp_path / "cache", tmp_path / "results", parity_only=True, workers=1)
    record = Run(chosen, settings, SilentProgress(), Together(tmp_path / "models")).execute()
    assert {case.outcome.value for case in record.cases} == {"passed"}
    assert set(at) == {"bench"}


def gather_cases(places, known):
    from harness.places.case_placement import cases_at

    models = {name: entry(name) for name in ("one", "two")}
    return cases_at(places, Selection(), models, known, {"fake": FAKE_FORMAT})


@pytest.mark.long
def test_a_place_makes_of_a_model_what_this_machine_makes(converter, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))
    model, form = model_entries(tmp_path)["hello_world"], registry.formats()["tflite"]
    link = FakeLink(bench={})
    place = place_of(link)
    assert place.converts
    steps = Converter(Cache(tmp_path / "cache"), environment("converter"), 1)
    there = steps.at(place)
    found = []
    try:
        for by in (converter, there):
            prepared = by.prepare(model)
            artifact = by.convert(prepared, form, form.variant("int8"))
            reference = by.reference(prepared, artifact, form)
            conditioning = by.conditioning(prepared, artifact, form, reference)
            found.append((prepared.key, prepared.golden_digest, artifact, reference.digest, conditioning))
        assert steps._children._pools == {}  # nothing was converted here
    finally:
        conversions.CONVERTERS.release_idle()
    here, elsewhere = found
    assert here[:2] == elsewhere[:2]
    assert here[2].model_copy(update={"directory": elsewhere[2].directory}) == elsewhere[2]
    assert here[3:] == elsewhere[3:]
