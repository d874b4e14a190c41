"""What `harness run` asks of the engine."""

import pytest

from harness.cli import running
from harness.cli.running import OPERATOR_SECONDS, run_matrix
from harness.run.matrix import Selection
from harness.run.settings import Settings


class Asked(Exception):
    pass


@pytest.fixture
def plan_of(tmp_path, monkeypatch):
    """The plan of timing that a run has."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harness.toml").write_text("")

    def plan_of(**options):
        asked = []

        def run(cases, settings, progress):
            asked.append(settings.plan)
            raise Asked

        monkeypatch.setattr(running, "Run", run)
        chosen = Selection(("hello_world",), ("int8",), ("tflite/litert-builtin",))
        with pytest.raises(Asked):
            run_matrix(chosen, parity_only=False, fresh=False, as_json=False, **options)
        return asked[0]

    return plan_of


def test_operators_are_timed_where_that_is_asked_for_and_all_else_is_as_usual(plan_of):
    usual = Settings.__dataclass_fields__["plan"].default_factory()
    assert plan_of() == usual
    assert usual.per_operator, "or TensorFlow.js would not tell its kernels' times"
    asked = plan_of(operators=True)
    assert asked.operator_seconds == OPERATOR_SECONDS
    assert {**vars(asked), "operator_seconds": 0.0} == vars(usual)
