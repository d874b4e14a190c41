"""What `harness bundle` writes and says: only what a script, run without the harness, has shown."""

import json
import zipfile
from dataclasses import replace

import pytest

from harness.cli import bundling
from harness.errors import HarnessError
from harness.reproduction import Repeated, Reproduction
from harness.run.matrix import Case
from harness.target import Target
from tests.harness.fakes.chain import FORMAT, ChainConverter, ChainTarget
from tests.harness.fakes.converter import entry

NAME = "double/float32/fake/chain"


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """Bundle the chain's case on a target into `fault.zip`; what is in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bundling, "Converter", lambda *_: ChainConverter(tmp_path))
    monkeypatch.setattr(bundling, "environment", lambda _: None)

    def bundle(target, output="fault.zip", form=FORMAT, variant="float32", **options):
        case = Case(entry(), form, form.variant(variant), target)
        monkeypatch.setattr(bundling, "case_of", lambda _: case)
        options = {"without_weights": False, "as_json": False, **options}
        assert bundling.bundle_case(NAME, output, **options) == 0
        with zipfile.ZipFile(output or "double-float32-fake-chain.zip") as archive:
            return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}

    return bundle


def test_the_operator_at_fault_is_packed_and_the_zip_is_named(bundle, capsys):
    files = bundle(ChainTarget({"SHIFT": 0.25}), output=None)
    assert files["model.fake"] == b"SHIFT"
    said = capsys.readouterr().out
    assert f"{NAME}: SHIFT by itself gives other values in chain 1.0 than in the reference." in said
    assert "double-float32-fake-chain.zip (" in said
    assert "without the harness" in said
    facts = json.loads(files["fault.json"])
    assert facts["outputs"][0]["limit"]["figure"] == "sqnr_db"
    assert files[facts["inputs"][0]["file"]].startswith(b"\x93NUMPY")


def test_the_whole_model_is_packed_where_the_script_of_the_operator_shows_nothing(bundle):
    files = bundle(ChainTarget({"SHIFT": 0.25}, repeats={"SHIFT": 0}))
    assert files["model.fake"] == b"the chain"


@pytest.mark.parametrize("status", [0, 2, -6])
def test_nothing_is_written_that_no_script_shows(bundle, tmp_path, status):
    with pytest.raises(HarnessError, match=r"There is no bundle of double.* By the script alone: The fault shows"):
        bundle(ChainTarget({"SHIFT": 0.25}, repeats={"SHIFT": status, "the chain": status}))
    assert not (tmp_path / "fault.zip").exists()


def test_what_is_sound_is_one_sentence(bundle):
    with pytest.raises(HarnessError, match="There is nothing to report of double/float32/fake/chain: each result"):
        bundle(ChainTarget())


def test_a_runtime_that_is_no_public_package_is_one_sentence(bundle, monkeypatch):
    monkeypatch.setattr(ChainTarget, "reproduction", Target.reproduction)
    with pytest.raises(HarnessError, match=r"There is no bundle of .*: there is no script that repeats on fake/chain"):
        bundle(ChainTarget({"SHIFT": 0.25}))


@pytest.fixture
def board(monkeypatch):
    """A target of no public package, which names one that computes the same: each with its faults."""

    def board(own, packages):
        target = ChainTarget(own)
        target.name, target.reported_by = "fake/board", "fake/package"
        monkeypatch.setattr(bundling.registry, "targets", lambda: {"fake/package": ChainTarget(packages)})
        return target

    return board


@pytest.mark.parametrize(
    ("own", "said"),
    [({"SHIFT": 0.25}, "fake/board makes just the same of it."), ({"SHIFT": 0.5}, "fake/board makes other values")],
)
def test_what_the_package_shows_that_a_board_follows_is_packed_with_what_the_board_makes_of_it(
    bundle, board, capsys, own, said
):
    files = bundle(board(own, {"SHIFT": 0.25}))
    assert files["model.fake"] == b"SHIFT"
    assert said in capsys.readouterr().out


def test_where_the_package_is_right_the_fault_is_the_boards_own_and_there_is_no_bundle(bundle, board):
    with pytest.raises(HarnessError, match=r"fake/board is no public package, and by fake/chain, .*: There is nothing"):
        bundle(board({"SHIFT": 0.25}, {}))


@pytest.mark.parametrize("output", ["fault.tar", "nowhere/fault.zip"])
def test_a_place_that_is_no_zip_is_told_before_the_work_begins(bundle, output):
    target = ChainTarget({"SHIFT": 0.25})
    with pytest.raises(HarnessError, match="name another"):
        bundle(target, output)
    assert target.opened == 0


def test_a_program_reads_what_was_found(bundle, capsys):
    bundle(ChainTarget({"SCALE": 0.25}), as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["operator_alone"] is True
    assert document["operators"] == {"SCALE": 1}
    assert document["file"] == "fault.zip"


@pytest.fixture
def converts(tmp_path, monkeypatch):
    """A converter that errs: the reference agrees with the target, and neither with TensorFlow."""
    monkeypatch.setattr(ChainConverter, "faults", {"HALVE": 0.5})
    saved_model = tmp_path / "double/saved_model"
    saved_model.mkdir(parents=True)
    (saved_model / "saved_model.pb").write_bytes(b"a graph")

    def converts(status):
        made = Reproduction(
            runtime_name="converter 1.0",
            write=lambda folder: None,
            repeat=lambda folder: Repeated(status, "The fault shows.\n"),
            packages={"converter": "1.0"},
            instructions=("python repeat.py",),
        )
        return replace(FORMAT, conversion_reproduction=lambda artifact: made)

    return converts


def test_a_converters_fault_is_the_saved_model_with_tensorflows_outputs(bundle, converts, capsys):
    files = bundle(ChainTarget({"HALVE": 0.5}), form=converts(1))
    assert files["saved_model/saved_model.pb"] == b"a graph"
    assert "A SavedModel gives other values in converter 1.0 than in TensorFlow." in capsys.readouterr().out
    facts = json.loads(files["fault.json"])
    assert (facts["model"], facts["outputs"][0]["limit"]["figure"]) == ("saved_model", "sqnr_db")


def test_a_converters_fault_that_no_script_shows_is_not_written(bundle, converts):
    with pytest.raises(HarnessError, match=r"whose fault is in the conversion\. By the script alone: The fault shows"):
        bundle(ChainTarget({"HALVE": 0.5}), form=converts(0))


def test_what_a_variant_loses_is_no_fault_of_a_converter(bundle, converts):
    with pytest.raises(HarnessError, match="There is nothing to report"):
        bundle(ChainTarget({"HALVE": 0.5, "SHIFT": 0.5}), form=converts(1), variant="int8")


def test_a_runtime_that_dies_is_packed_with_the_whole_model_and_nothing_to_compare(bundle, capsys):
    files = bundle(ChainTarget(dies="SIGSEGV"))
    assert files["model.fake"] == b"the chain"
    facts = json.loads(files["fault.json"])
    assert (facts["dies"], facts["outputs"]) == ("SIGSEGV", [])
    assert len(facts["inputs"]) == 1
    assert not [name for name in files if name.startswith(("came_out", "should_be"))]
    said = capsys.readouterr().out
    assert "kills the process that runs it in chain 1.0 (SIGSEGV)." in said
    assert b"should be" not in files["README.md"]


def test_a_death_that_only_the_model_with_its_results_as_outputs_dies_is_no_fault_of_the_model(bundle):
    with pytest.raises(HarnessError, match=r"There is no bundle of double.*: It died"):
        bundle(ChainTarget(crash=True))


def test_where_no_script_sees_a_death_there_is_no_bundle_of_it(bundle):
    with pytest.raises(HarnessError, match="it dies of SIGABRT, which no script here sees"):
        bundle(ChainTarget(dies="SIGABRT", sees_death=False))
