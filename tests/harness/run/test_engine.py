"""A run: every case ends in one outcome, nothing is done twice, and whatever a runtime does stays in its case."""

import os
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from harness import registry
from harness.budget import SampleBudget
from harness.cli.running import exit_code
from harness.conversion import target_address
from harness.errors import NoClock, Unsupported
from harness.parity.conditions import conditions
from harness.run import addressing
from harness.run.engine import Run
from harness.run.matrix import Case
from harness.run.pool import SilentProgress
from harness.run.settings import Settings
from harness.store.record import Outcome
from harness.store.runs import RunStore
from harness.target import DEFAULT_LIMITS
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.target import FakeTarget, steady


class Notes(SilentProgress):
    def __init__(self):
        self.texts = []

    def note(self, text):
        self.texts.append(text)


class Standings(SilentProgress):
    def __init__(self):
        self.told = []

    def ended(self, case, outcome, reason, *, final):
        self.told.append((case.rpartition("/")[2], outcome, final))


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """Run the one fake model on targets and return its record; the same folders every time."""

    def execute(*targets, converter=None, variants=("float32",), model=None, progress=None, **settings):
        monkeypatch.setattr(registry, "targets", lambda: {target.name: target for target in targets})
        cases = [
            Case(model or entry(), FAKE_FORMAT, FAKE_FORMAT.variant(variant), target)
            for target in targets
            for variant in variants
        ]
        chosen = Settings(root=tmp_path, cache=tmp_path / "cache", results=tmp_path / "results", **settings)
        return Run(cases, chosen, progress or Notes(), converter or FakeConverter(tmp_path / "models")).execute()

    return execute


def outcome(record, target="fake/plain", variant="float32"):
    (case,) = [case for case in record.cases if case.target == target and case.variant == variant]
    return case.outcome, case.reason


class WithoutClock(FakeTarget):
    """Whether there is a clock is known only once it runs."""

    @contextmanager
    def open(self, artifact, limits=DEFAULT_LIMITS):
        with super().open(artifact, limits) as session:
            session.time = self.refuse
            yield session

    def refuse(self, samples, plan):
        raise NoClock("its clock could not be read back.")


def test_what_turns_out_to_have_no_clock_passes_without_milliseconds_and_says_why(execute):
    (case,) = execute(WithoutClock()).cases
    assert case.outcome is Outcome.PASSED
    assert case.latency is None
    assert case.latency_note == "Not timed: its clock could not be read back."


def test_a_case_that_computes_the_same_passes_with_parity_and_latency(execute):
    record = execute(FakeTarget())
    (case,) = record.cases
    assert case.outcome is Outcome.PASSED
    assert case.parity.samples == 128
    assert case.parity.runtime[0].max_abs == 0
    assert case.latency.first_ms == 5.0
    assert case.latency.median_ms == pytest.approx(1.0, rel=0.02)
    assert record.status == "complete"


@pytest.mark.parametrize(
    ("script", "expected", "words"),
    [
        ({"load": "segfault"}, Outcome.CRASHED, "SIGSEGV"),
        ({"infer": "segfault"}, Outcome.CRASHED, "died of SIGSEGV during 'infer'"),
        ({"time": "segfault"}, Outcome.CRASHED, "SIGSEGV during 'time'"),
        ({"infer": "exit"}, Outcome.CRASHED, "exit code 3 during 'infer': the runtime lost its mind"),
        ({"infer": "hang"}, Outcome.TIMED_OUT, "did not answer 'infer' within 2 s"),
        ({"infer": "garbage"}, Outcome.CRASHED, "broke the protocol"),
        ({"infer": "refuse"}, Outcome.UNSUPPORTED, "FROBNICATE"),
        ({"infer": "nan"}, Outcome.FAILED, "NaN"),
        ({"infer": "offset:0.5"}, Outcome.FAILED, "y"),
    ],
)
def test_whatever_a_runtime_does_is_an_outcome_and_the_others_go_on(execute, script, expected, words):
    seconds = 2 if "hang" in script.values() else 60
    record = execute(FakeTarget("fake/bad", script, seconds=seconds), FakeTarget())
    assert outcome(record, "fake/bad")[0] is expected
    assert words in outcome(record, "fake/bad")[1]
    assert outcome(record)[0] is Outcome.PASSED


def test_how_each_case_stands_is_told_once_while_the_run_goes_on_and_a_broken_rule_as_not_final(execute):
    progress = Standings()
    targets = [
        FakeTarget("fake/plain"),
        FakeTarget("fake/off", {"infer": "offset:0.5"}),
        FakeTarget("fake/dead", {"infer": "exit"}),
        FakeTarget("fake/absent", ready=False),
    ]
    record = execute(*targets, progress=progress)
    assert sorted(progress.told) == [
        ("absent", Outcome.UNAVAILABLE, True),
        ("dead", Outcome.CRASHED, True),
        ("off", Outcome.FAILED, False),
        ("plain", Outcome.PASSED, False),
    ]
    assert sorted(case.outcome for case in record.cases) == sorted(standing for _, standing, _ in progress.told)


def test_a_slow_case_is_compared_on_as_many_samples_as_fit_its_budget_and_says_so(execute):
    record = execute(
        FakeTarget(script={"infer": "slow:0.1"}),
        FakeTarget("fake/quick"),
        model=replace(entry(), budget=SampleBudget(0.5)),
    )
    slow, quick = record.cases
    assert 2 <= slow.parity.samples < 10
    assert slow.parity.available == 128
    assert slow.parity.samples_note == f"{slow.parity.samples} of 128 samples: as many as ran in about 0.5 s here."
    assert (quick.parity.samples, quick.parity.samples_note) == (128, "")


def test_a_number_of_samples_that_was_asked_for_is_what_is_compared(execute):
    (case,) = execute(FakeTarget(), model=replace(entry(), budget=SampleBudget(samples=7))).cases
    assert (case.parity.samples, case.parity.samples_note) == (7, "7 of 128 samples, as `samples` asks.")


def test_another_budget_is_another_measurement(execute):
    assert execute(FakeTarget()).cases[0].reused_from is None
    assert execute(FakeTarget(), model=replace(entry(), budget=SampleBudget(9.0))).cases[0].reused_from is None
    assert execute(FakeTarget()).cases[0].reused_from is not None


def test_rubbish_on_standard_output_costs_nothing(execute):
    script = dict.fromkeys(("load", "infer", "time"), "rubbish")
    assert outcome(execute(FakeTarget(script=script)))[0] is Outcome.PASSED


def test_a_missing_runtime_is_unavailable_and_says_how_to_get_it(execute):
    assert outcome(execute(FakeTarget(ready=False))) == (
        Outcome.UNAVAILABLE,
        "the fake runtime is missing; make fake",
    )


def test_an_operator_known_to_be_missing_is_unsupported_without_opening_the_target(execute):
    target = FakeTarget(missing=("FROBNICATE (unknown)",))
    assert outcome(execute(target))[0] is Outcome.UNSUPPORTED
    assert target.opened == 0


def test_a_conversion_that_is_refused_is_an_outcome_of_its_variant_alone(execute, tmp_path):
    converter = FakeConverter(tmp_path / "models", {("convert", "int8"): Unsupported("no int8 today")})
    record = execute(FakeTarget(), converter=converter, variants=("float32", "int8"))
    assert outcome(record)[0] is Outcome.PASSED
    assert outcome(record, variant="int8") == (Outcome.UNSUPPORTED, "no int8 today")


def test_nothing_is_measured_twice_unless_asked(execute):
    target = FakeTarget()
    first = execute(target)
    assert target.opened == 2  # once for parity, once for latency
    again = execute(target)
    assert target.opened == 2
    assert again.cases[0].reused_from == first.id
    assert again.cases[0].latency == first.cases[0].latency
    execute(target, fresh=True)
    assert target.opened == 4


class WithoutSizesAtFirst(FakeTarget):
    @contextmanager
    def open(self, artifact, limits=DEFAULT_LIMITS):
        with super().open(artifact, limits) as session:
            if self.opened == 1:
                session.footprint = self.fail
            yield session

    def fail(self):
        raise OSError("no memory to look at")


def test_a_case_whose_sizes_are_missing_is_compared_again_beside_the_timing_that_is_known(execute):
    target = WithoutSizesAtFirst()
    first = execute(target)
    assert "Sizes were not measured" in first.cases[0].measured.note
    again = execute(target)
    assert target.opened == 3
    assert not again.cases[0].measured.note
    assert again.cases[0].latency == first.cases[0].latency
    assert again.cases[0].reused_from is None  # its outputs were compared in this run
    assert execute(target).cases[0].reused_from is not None
    assert target.opened == 3


def test_another_plan_measures_the_latency_again_and_the_parity_not(execute):
    from harness.target import TimingPlan

    target = FakeTarget()
    execute(target)
    execute(target, plan=TimingPlan(min_iterations=7))
    assert target.opened == 3


class Listening(FakeTarget):
    """Keeps the plans that it was timed by."""

    @contextmanager
    def open(self, artifact, limits=DEFAULT_LIMITS):
        with super().open(artifact, limits) as session:
            time = session.time
            session.time = lambda samples, plan: self.plans.append(plan) or time(samples, plan)
            yield session

    def __init__(self):
        super().__init__()
        self.plans = []


def test_the_plan_on_record_is_the_one_that_was_timed_by(execute):
    target = Listening()
    record = execute(target)
    assert [vars(plan) for plan in target.plans] == [record.plan]
    assert (record.plan["per_operator"], record.plan["kernels"]) == (True, True)


def test_parity_only_times_nothing(execute):
    (case,) = execute(FakeTarget(), parity_only=True).cases
    assert case.outcome is Outcome.PASSED
    assert case.latency is None


def test_another_runtime_version_measures_again(execute):
    execute(FakeTarget())
    other = FakeTarget(script={"footprint": "ok"})  # its fingerprint is its script
    assert execute(other).cases[0].reused_from is None
    assert other.opened == 2


def test_a_target_says_once_a_run_what_it_is_and_again_when_it_was_measured(execute):
    class Asked(FakeTarget):
        asked = 0

        def fingerprint(self):
            self.asked += 1
            return super().fingerprint()

    target = Asked()
    execute(target)
    assert target.asked == 3, "before the first case, after its comparison, after its timing"
    execute(target)
    assert target.asked == 4, "nothing was measured"


def test_a_runtime_that_is_replaced_while_it_is_measured_ends_the_case(execute):
    class Replaced(FakeTarget):
        def fingerprint(self):
            return {"version": "1" if self.opened == 0 else "2"}

    (case,) = execute(Replaced()).cases
    assert case.outcome is Outcome.FAILED
    assert case.reason == "fake/plain was changed while it was measured (version from 1 to 2); run it again."


@pytest.mark.parametrize("changed", ["targets", "harness"])
def test_changed_measuring_code_measures_again_whether_a_familys_or_the_engines(execute, monkeypatch, changed):
    target, tree = FakeTarget(), addressing.code_digest_of_files
    execute(target)
    assert target.opened == 2

    def edited(*paths):
        engine = all(path.is_relative_to(addressing.ENGINE) for path in paths)
        return tree(*paths) + ("edited" if engine == (changed == "harness") else "")

    for module in (addressing, target_address):
        monkeypatch.setattr(module, "code_digest_of_files", edited)
    execute(target)
    assert target.opened == 4


def test_a_run_slower_than_all_before_it_passes_as_there_is_no_old_side(execute):
    execute(FakeTarget())
    record = execute(FakeTarget(samples_ns=steady(median_ns=9_000_000)), fresh=True)
    assert record.cases[0].latency.median_ms == pytest.approx(9.0, rel=0.05)
    assert outcome(record) == (Outcome.PASSED, "")
    assert exit_code(record) == 0


def test_a_damaged_measurement_is_measured_again(execute, tmp_path):
    target = FakeTarget()
    execute(target)
    (stored,) = (tmp_path / "cache" / "measurements" / "parity").glob("*.json")
    stored.write_text(stored.read_text().replace('"samples": 128', '"samples": 129'))
    assert execute(target).cases[0].parity.samples == 128
    assert target.opened == 3


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupted_run_leaves_a_record_and_the_next_one_resumes(execute, tmp_path):
    # Threads wait for a child that would hang for ten minutes; the signal comes as Ctrl-C does, once one case is timed.
    hanging = threading.Event()

    class Slow(FakeTarget):
        @contextmanager
        def open(self, artifact, limits=None):
            with super().open(artifact) as session:
                hang = session.time

                def time(*given):
                    hanging.set()
                    return hang(*given)

                session.time = time
                yield session

    quick, slow = FakeTarget("fake/quick"), Slow("fake/slow", {"time": "hang"}, seconds=600)

    def interrupt():
        hanging.wait(300)
        while not list((tmp_path / "cache" / "measurements" / "latency").glob("*.json")):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    record = execute(quick, slow)
    assert record.status == "interrupted"
    timed, compared = record.cases
    assert timed.target == "fake/quick"
    assert timed.latency is not None
    assert compared.target == "fake/slow"
    assert compared.parity is not None
    assert "Not timed: the run was stopped" in compared.latency_note
    assert record.planned_cases == 2
    assert RunStore(tmp_path / "results").latest() == record
    resumed = execute(quick)
    assert resumed.cases[0].reused_from == record.id


def test_a_fault_of_the_golden_is_said_before_any_target_is_opened(execute, tmp_path):
    class Converter(FakeConverter):
        def prepare(self, entry):
            found = super().prepare(entry)
            return replace(found, facts={**found.facts, "golden_fault": "TensorFlow's own output 'y' is NaN."})

    target = FakeTarget()
    record = execute(target, converter=Converter(tmp_path / "models"))
    assert outcome(record) == (Outcome.FAILED, "TensorFlow's own output 'y' is NaN.")
    assert target.opened == 0


def stateful(sequence):
    """A converter whose artifacts keep state."""

    class Converter(FakeConverter):
        def convert(self, prepared, form, variant):
            return (
                super().convert(prepared, form, variant).model_copy(update={"state": "variables", "sequence": sequence})
            )

    return Converter


@pytest.mark.parametrize(("sequence", "state", "opened"), [(False, "fresh", 2), (True, "sequence", 1)])
def test_a_model_with_state_says_how_it_was_tried_and_is_tried_both_ways_where_it_does_not_say(
    execute, tmp_path, sequence, state, opened
):
    target = FakeTarget()
    record = execute(target, converter=stateful(sequence)(tmp_path / "models"), parity_only=True)
    (case,) = record.cases
    assert (case.outcome, case.parity.state, target.opened) == (Outcome.PASSED, state, opened)
    assert len(case.parity.in_sequence) == (0 if sequence else 1)
    assert any("keeps state" in sentence for sentence in conditions(case.parity))


def test_a_sequence_and_the_same_samples_apart_are_measured_each(execute, tmp_path):
    target = FakeTarget()
    for sequence in (False, True, False):
        execute(target, converter=stateful(sequence)(tmp_path / "models"), parity_only=True)
    assert target.opened == 3


def test_a_model_without_state_is_tried_once(execute):
    target = FakeTarget()
    record = execute(target, parity_only=True)
    assert target.opened == 1
    assert conditions(record.cases[0].parity) == ()
