"""An artifact that no conversion wrote."""

from typing import Any

from harness.artifact import Artifact


def made_artifact(**fields: Any) -> Artifact:
    """With what `fields` say; it has no address, no files, no operators and no converter unless they do."""
    unsaid = {"key": "", "digest": "", "files": (), "inputs": (), "outputs": (), "operators": {}, "converter": {}}
    return Artifact(**{**unsaid, **fields})
