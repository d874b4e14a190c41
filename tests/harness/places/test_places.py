"""A run over places: each case at the machine that has its target, whatever happens to that machine."""

from dataclasses import replace

import pytest

from harness import registry
from harness.errors import HarnessError
from harness.places import remote_place, request_handlers
from harness.places.case_placement import cases_at, unavailable_notices
from harness.places.identity import HarnessIdentity, difference
from harness.places.place_registry import Places
from harness.run.engine import Run
from harness.run.matrix import Selection
from harness.run.pool import SilentProgress
from harness.run.settings import Settings
from harness.store.record import EXACT_AT_PLACES, Outcome
from harness.target import Footprint, TimingPlan
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.link import FakeLink
from tests.harness.fakes.target import FakeSession, FakeTarget


class Notes(SilentProgress):
    def __init__(self):
        self.texts = []

    def note(self, text):
        self.texts.append(text)


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Targets that this process has, and a run of the fake model over the machines of a link."""

    class World:
        targets: dict = {}  # noqa: RUF012
        notes = Notes()
        cache = "cache"

        def have(self, *targets):
            self.targets = {target.name: target for target in targets}
            monkeypatch.setattr(registry, "targets", lambda: self.targets)
            monkeypatch.setattr(registry, "installed_targets", lambda: self.targets)

        def link(self, **machines):
            return FakeLink(**machines)

        def cases(self, link, **selection):
            self.places = Places(link)
            models = {"double": entry()}
            return cases_at(self.places.by_name, Selection(**selection), models, self.targets, {"fake": FAKE_FORMAT})

        def run(self, link, parity_only=True, **selection):
            chosen = self.cases(link, **selection)
            settings = Settings(
                root=tmp_path,
                cache=tmp_path / self.cache,
                results=tmp_path / "results",
                parity_only=parity_only,
                plan=TimingPlan(),
            )
            return Run(chosen, settings, self.notes, FakeConverter(tmp_path / "models")).execute()

    monkeypatch.setenv("HARNESS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(remote_place, "RETURN_SECONDS", 0.0)
    found = World()
    found.have(FakeTarget("fake/plain"))
    return found


def outcomes(record):
    return {case.target: (case.outcome.value, case.place) for case in record.cases}


def test_a_target_at_one_place_keeps_its_name_and_the_record_says_where_it_was(world):
    record = world.run(world.link(bench={}), parity_only=False)
    assert outcomes(record) == {"fake/plain": ("passed", "bench")}
    (case,) = record.cases
    assert case.latency is not None
    assert [(place.name, place.machines) for place in record.places] == [("bench", 1)]
    assert record.machine_of(case) == record.places[0].machine


def test_a_target_at_several_places_makes_a_case_of_each(world):
    record = world.run(world.link(bench={}, pi={}))
    assert outcomes(record) == {"fake/plain@bench": ("passed", "bench"), "fake/plain@pi": ("passed", "pi")}
    one = world.run(world.link(bench={}, pi={}), targets=("fake/*@pi",))
    assert list(outcomes(one)) == ["fake/plain@pi"]
    left = world.run(world.link(bench={}, pi={}), without=("*@pi",))
    assert list(outcomes(left)) == ["fake/plain@bench"]
    with pytest.raises(HarnessError, match=r"No place matches 'pii'; there are bench, pi.*Did you mean 'pi'"):
        world.cases(world.link(bench={}, pi={}), targets=("fake/*@pii",))


def test_what_was_measured_at_a_place_stands_for_no_other_and_for_that_one_again(world):
    first = world.run(world.link(bench={}))
    again = world.run(world.link(bench={}))
    assert again.cases[0].reused_from == first.id
    assert world.run(world.link(pi={})).cases[0].reused_from is None


def test_a_target_that_no_place_has_is_unavailable_and_this_is_said_before(world):
    lacking = {"fake/plain": {"ready": False, "missing": "the runtime", "install": "get it"}}
    chosen = world.cases(world.link(bench={"targets": lacking}, pi={"targets": {}}))
    sentence = "No place has fake/plain: at bench the runtime is missing (get it); at pi there is no such target."
    assert unavailable_notices(chosen) == [sentence]
    record = world.run(world.link(bench={"targets": lacking}))
    assert (record.cases[0].outcome, record.cases[0].target) == (Outcome.UNAVAILABLE, "fake/plain")
    assert record.places == ()


def test_machines_that_share_a_name_share_its_cases(world):
    record = world.run(world.link(one={"name": "farm"}, two={"name": "farm"}))
    assert outcomes(record) == {"fake/plain": ("passed", "farm")}
    assert record.places[0].machines == 2
    farm = world.places.by_name["farm"]
    with farm._borrowed() as first, farm._borrowed(alone=True) as second:
        assert {first.address, second.address} == {"one", "two"}
        assert (farm.workers, farm.timings) == (sum(member.workers for member in (first, second)), 2)


def test_a_machine_that_is_lost_gives_its_case_to_another_of_its_place(world):
    link = world.link(one={"name": "farm"}, two={"name": "farm"})
    link.lost_at["one"] = "parity"
    assert outcomes(world.run(link)) == {"fake/plain": ("passed", "farm")}


@pytest.mark.parametrize("action", ["set up", "missing", "parity"])
def test_a_place_that_is_lost_costs_its_own_cases_and_the_same_command_goes_on(world, action):
    link = world.link(bench={}, pi={})
    link.lost_at["pi"] = action
    record = world.run(link)
    reason = next(case.reason for case in record.cases if case.place == "pi")
    assert "'pi' was lost while it worked on this case (pi is gone); the same command goes on" in reason
    assert outcomes(record) == {"fake/plain@bench": ("passed", "bench"), "fake/plain@pi": ("unavailable", "pi")}
    again = world.run(world.link(bench={}, pi={}))
    assert {case.outcome for case in again.cases} == {Outcome.PASSED}


def test_a_place_that_is_lost_while_it_times_leaves_what_was_compared(world):
    link = world.link(bench={})
    link.lost_at["bench"] = "latency"
    (case,) = world.run(link, parity_only=False).cases
    assert (case.outcome, case.latency) == (Outcome.PASSED, None)
    assert case.latency_note.startswith("Not timed: The place 'bench' was lost")


def test_errors_come_back_as_what_they_are_with_their_log(world):
    world.have(
        FakeTarget("fake/refusing", missing=("ADD",)), FakeTarget("fake/crashing", {"infer": "segfault"}), FakeTarget()
    )
    record = world.run(world.link(bench={}))
    found = {case.target: case for case in record.cases}
    assert found["fake/refusing"].reason == "fake/refusing does not run ADD."
    assert found["fake/crashing"].outcome is Outcome.CRASHED
    assert found["fake/plain"].outcome is Outcome.PASSED


class Counting(FakeTarget):
    """Counts instructions: as many as it is told next."""

    counts: list = []  # noqa: RUF012

    def open(self, artifact, limits=None):
        session = super().open(artifact)
        return _Counted(session, self.counts)


class _Counted:
    def __init__(self, session, counts):
        self.session, self.counts = session, counts

    def __enter__(self):
        inner = self.session.__enter__()
        count = self.counts.pop()

        class Session(FakeSession):
            def footprint(self):
                return Footprint({"instructions": count}, frozenset({"instructions"}))

        return Session(inner.child, inner.seconds)

    def __exit__(self, *error):
        return self.session.__exit__(*error)


@pytest.mark.parametrize(("counts", "passed"), [([1000, 1000], True), ([1000, 1001], False)])
def test_exact_figures_that_differ_between_places_are_a_finding(world, counts, passed):
    world.have(Counting("fake/counting"))
    Counting.counts = list(counts)
    record = world.run(world.link(bench={}, pi={}))
    assert {case.outcome is Outcome.PASSED for case in record.cases} == {passed}
    found = [check for case in record.cases for check in case.checks if check.rule == EXACT_AT_PLACES]
    assert {(check.metric, check.passed) for check in found} == {
        (f"{EXACT_AT_PLACES}.instructions", passed),
        (f"{EXACT_AT_PLACES}.artifact_bytes", True),
    }
    if not passed:
        assert "instructions is exact and differs between places: 100" in record.cases[0].reason
        assert record.cases[0].reason.endswith("Their fingerprints are the same.")


def test_a_place_with_another_harness_or_python_is_refused_and_both_are_named(world):
    own = request_handlers.own_identity()
    other = {"identity": {**own.model_dump(), "version": "9.9"}}
    world.cases(world.link(bench={}, old=other))
    (sentence,) = world.places.refused
    assert sentence.startswith("The place 'old' (old) is refused: it has harness 9.9, and this machine ")
    assert difference(own, replace_identity(own, python="3.99.1")).startswith("it has Python 3.99.1, and this machine")
    assert difference(own, replace_identity(own, source="f" * 64)).startswith("both have harness")
    assert difference(own, replace_identity(own, python=f"{own.minor}.99")) == ""


def replace_identity(identity, **changes):
    return HarnessIdentity(**{**identity.model_dump(), **changes})


def test_machines_of_one_name_that_are_not_alike_are_refused(world):
    machine = {**FakeLink().own["machine"], "id": "other", "cpu": "another"}
    world.cases(world.link(one={"name": "farm"}, two={"name": "farm", "machine": machine}))
    (sentence,) = world.places.refused
    assert "another machine of this name differs in its processor and memory (another, " in sentence


@pytest.mark.parametrize("answer", ["ModuleNotFoundError: No module named 'harness'", {"name": "x"}])
def test_a_machine_that_is_no_place_is_refused_in_a_sentence(world, answer):
    link = world.link(bench={}, other={})
    link.about["other"] = answer
    world.cases(link)
    assert world.places.refused[0].endswith("install there the harness that is here.")


def test_a_target_that_is_not_the_same_on_all_machines_of_a_place_is_never_mixed(world):
    world.have(*(FakeTarget(f"fake/{number}") for number in range(2)))
    link = world.link(bench={})
    link.answers["bench", "parity"] = lambda answer: {**answer, "fingerprint": {"runtime": "other"}}
    record = world.run(link)
    assert {case.outcome for case in record.cases} == {Outcome.UNAVAILABLE}
    assert "not the same on all machines of 'bench' (it differs in runtime, script)" in record.cases[0].reason


def test_files_are_sent_once_a_place_and_again_where_it_dropped_them(world):
    world.have(*(FakeTarget(f"fake/{number}") for number in range(3)))
    link = world.link(bench={})
    world.run(link)
    assert [action for _, action in link.asked].count("receive") == 2  # golden and reference
    dropped = []

    def drop(answer):
        if not dropped:
            dropped.append(1)
            for path in request_handlers.content_store().folder.iterdir():
                if not path.name.startswith(".") and path.is_file():  # not what is written beside it for other cases
                    path.unlink(missing_ok=True)
        return answer

    link = world.link(pi={})
    link.answers["pi", "missing"] = drop
    assert {case.outcome for case in world.run(link).cases} == {Outcome.PASSED}


def test_a_rule_that_the_machine_alone_decides_is_not_lost_at_the_gate(world):
    from harness.baseline.files import Baseline
    from harness.gate.judge_run import judge_run
    from harness.gate.policy import Policy

    world.have(Counting("fake/counting"))
    Counting.counts = [1000, 1001]
    record = world.run(world.link(bench={}, pi={}))
    result = judge_run(record, Policy(), Baseline({}, {}), lambda target: {"fake/counting": "fake"}[target])
    assert not any(verdict.passed for verdict in result.verdicts)
    assert replace(result, verdicts=()).record is record
