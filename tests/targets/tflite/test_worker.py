"""What the worker of the TFLite interpreters does around a timing."""

import gc

import pytest

from harness_targets.tflite.worker import collector_off


def invoke_in_vain():
    with collector_off():
        assert not gc.isenabled()
        raise RuntimeError("an operator that cannot be invoked")


def test_a_timing_that_ends_early_leaves_the_collector_on():
    with pytest.raises(RuntimeError, match="cannot be invoked"):
        invoke_in_vain()
    assert gc.isenabled()
