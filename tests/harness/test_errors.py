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
    where = f"below {tmp_path}"
    expected = f"Comparing outputs failed because the disk is full {where}; free some space there and run it again."
    assert str(found) == expected


def test_a_full_disk_of_an_unknown_folder_is_said_too():
    found = as_case_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "Comparing outputs")
    assert str(found) == "Comparing outputs failed because the disk is full; free some space there and run it again."


def test_any_other_fault_of_the_system_is_unforeseen():
    assert type(as_case_error(OSError(errno.EIO, os.strerror(errno.EIO)), "Comparing outputs")) is UnexpectedError
