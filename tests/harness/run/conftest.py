"""What tests of interrupted runs share."""

import signal

import pytest


@pytest.fixture
def ctrl_c():
    """A shell starts what it puts into the background deaf to Ctrl-C, these tests perhaps among it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
