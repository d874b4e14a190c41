"""What is left behind where a browser cannot be started."""

import tempfile
from contextlib import contextmanager

import pytest

from harness.errors import Unavailable
from harness_targets.browser import launch
from harness_targets.browser.browsers import FIREFOX


def test_where_there_is_no_display_no_folder_is_left(tmp_path, monkeypatch):
    @contextmanager
    def display(browser, hidden):
        raise Unavailable("Firefox needs a display.")
        yield

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(launch, "display", display)
    wanted = launch.Launch(FIREFOX, "firefox", (), with_display=True)
    with pytest.raises(Unavailable, match="needs a display"), launch.BROWSERS.borrowed(wanted):
        pass
    assert list(tmp_path.iterdir()) == []
