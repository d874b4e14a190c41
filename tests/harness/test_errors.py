"""What was raised, as what ends one case."""

import errno
import os

import pytest

from harness.errors import Failed, UnexpectedError, as_case_error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_with_its_folder(number, tmp_path):
    error = OSError(number, os.strerror(number), str(tmp_path / "firmware.o"))
    found = as_case_error(error, "Comparing outputs")
    assert type(found) is Failed
    assert (
        str(found) == f"Comparing outputs found no room on the disk below {tmp_path}; make some there and run it again."
    )


def test_a_full_disk_of_an_unknown_folder_is_said_too():
    found = as_case_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "Comparing outputs")
    assert str(found) == "Comparing outputs found no room on the disk; make some there and run it again."


def test_any_other_fault_of_the_system_is_unforeseen():
    assert type(as_case_error(OSError(errno.EIO, os.strerror(errno.EIO)), "Comparing outputs")) is UnexpectedError
