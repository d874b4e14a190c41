"""A conversion that needs more memory than there is, is not begun."""

import pytest

from harness_targets.tfjs.free_memory import check_free_memory


@pytest.fixture
def memory(tmp_path):
    path = tmp_path / "meminfo"
    path.write_text("MemTotal:       24117248 kB\nMemFree:         1000000 kB\nMemAvailable:   12000000 kB\n")
    return path


def test_what_has_room_is_converted(memory):
    check_free_memory(600_000_000, memory)


def test_what_has_none_is_refused_with_both_figures(memory):
    with pytest.raises(MemoryError) as caught:
        check_free_memory(1_024_000_000, memory)
    assert str(caught.value) == (
        "tensorflowjs takes about 19 times a model's weights in memory, 19.5 GB of these 1.0 GB, and 12.3 GB are free"
    )


def test_where_the_system_does_not_tell_it_is_tried(tmp_path):
    check_free_memory(10**15, tmp_path / "none")
