"""The official release of Renode that the harness brings: its portable one for Linux, with .NET inside.

The sums are those that nine (x86-64) and five (Arm) public repositories pin for these two files of the tag v1.16.1.
"""

from __future__ import annotations

import os

from harness.installation.release import Release

VERSION = "1.16.1"
ARCHIVE_VARIABLE = "HARNESS_RENODE_ARCHIVE"
_ADDRESS = f"https://github.com/renode/renode/releases/download/v{VERSION}/renode-{VERSION}"
_SUMS = {
    "linux-portable-dotnet": "00e113cdbd0f5354cf2f64bbe3f5a070d8958409542fca66e45ac97d982938c0",
    "linux-arm64-portable-dotnet": "fff3a098c96ed0a4ffbdff3f028c9c5fde432db09587c7bd7c99406180f90007",
}
_KINDS = {("Linux", "x86_64"): "linux-portable-dotnet", ("Linux", "aarch64"): "linux-arm64-portable-dotnet"}


def renode_release() -> Release | None:
    """The release for this system; None where there is none."""
    system = os.uname()
    kind = _KINDS.get((system.sysname, system.machine))
    if kind is None:
        return None
    return Release(f"Renode {VERSION}", f"{_ADDRESS}.{kind}.tar.gz", _SUMS[kind], "renode", ARCHIVE_VARIABLE)
