"""Where the reference interpreter cannot run a model, or dies of it, the next runtime that can takes its place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import registry
from harness.cache import Cache
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.errors import Crashed, Unsupported
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.target import FakeTarget

FORMAT = replace(
    FAKE_FORMAT, converter=Path(__file__), alternative_references=(("fake/lacking", "fake/absent"), ("fake/plain",))
)


@pytest.fixture
def reference(tmp_path, monkeypatch):
    def reference(refusal, *targets):
        def refuse(*_):
            raise refusal

        monkeypatch.setattr(registry, "targets", lambda: {target.name: target for target in targets})
        monkeypatch.setattr(Converter, "_ask_interpreter", refuse)
        fake = FakeConverter(tmp_path / "models")
        prepared = fake.prepare(entry())
        artifact = fake.convert(prepared, FORMAT, FORMAT.variant("float32"))
        made = Converter(Cache(tmp_path / "cache"), environment("converter"), 1)
        try:
            return made.reference(prepared, artifact, FORMAT)
        finally:
            made.close()

    return reference


LACKING = FakeTarget("fake/lacking", missing=("FROBNICATE",))


@pytest.mark.parametrize("refusal", [Unsupported("FROBNICATE is not known."), Crashed("It died.")])
def test_the_first_that_runs_it_stands_in_and_is_named(reference, refusal):
    found = reference(refusal, LACKING, FakeTarget("fake/absent", ready=False), FakeTarget())
    assert (found.interpreter, found.target) == ("fake/plain", "fake/plain")
    assert found.read()["y"].shape == (128, 1, 4)
    np.testing.assert_allclose(found.read()["y"][0], 2 * np.linspace(-1, 1, 512, dtype=np.float32)[:4][None], rtol=1e-6)


def test_what_nobody_runs_is_refused_in_the_words_of_the_first_with_all_that_were_asked(reference):
    with pytest.raises(Unsupported, match=r"^FROBNICATE is not known; fake/lacking cannot run it either\.$"):
        reference(Unsupported("FROBNICATE is not known."), LACKING)
