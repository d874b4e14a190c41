"""`harness get-renode`: Renode's release, brought by the set-up or by a person."""

from __future__ import annotations

from harness.errors import Unavailable

from .job_result import EmulatorUnavailable
from .renode import find_renode
from .renode_release import VERSION, renode_release


def get_renode() -> int:
    """Fetch Renode unless it is there, and say where it is; 0. Raises `Unavailable`, saying what that costs."""
    try:
        print(f"Renode is there: {find_renode()}")
        return 0
    except EmulatorUnavailable:
        release = renode_release()
    try:
        if release is None:
            raise Unavailable(
                f"There is no portable release of Renode {VERSION} for this system: install it as renode.io says and"
                " set RENODE_HOME to its folder."
            )
        print(f"{release.name} is installed: {release.install() / release.program}")
    except Unavailable as error:
        cost = "unavailable: the targets mcu/renode-*; QEMU serves their boards"
        raise Unavailable(f"{str(error).rstrip('.')}; {cost}.") from error
    return 0
