"""Converts an accepted artifact again that is no longer in the cache: from the source as it is, or as git has it at the
accepted commit. The result is used only if every byte is the accepted one's."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness.artifact import Artifact
from harness.baseline.accepted_results import AcceptedArtifact, AcceptedCase
from harness.baseline.files import Baseline
from harness.case_name import CaseName
from harness.conversion.converter import Converter
from harness.conversion.model_entry import ModelEntry
from harness.conversion.origin import source_of, source_paths
from harness.conversion.source import Source
from harness.errors import CaseError, HarnessError, Unavailable
from harness.store.record import ModelOrigin
from harness.variant import READY, Format, Variant

if TYPE_CHECKING:
    from collections.abc import Iterator

GIT_SECONDS = 120.0
MOST_COMMITS = 20
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
"""A baseline is a file that anybody may propose: what it says is not taken for an option of git."""


class Rebuilder:
    """Converts accepted artifacts of one project again."""

    def __init__(
        self,
        root: Path,
        models: Mapping[str, ModelEntry],
        formats: Mapping[str, Format],
        converter: Converter,
        baseline: Baseline,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.root, self.models, self.formats = root, models, formats
        self.converter, self.baseline, self.note = converter, baseline, note

    def artifact(self, case: CaseName, accepted: AcceptedCase) -> Artifact:
        """The accepted artifact of `case`, byte for byte. Raises `Unavailable` with one sentence that says why not."""
        if accepted.artifact is None:
            raise Unavailable(f"The baseline of {case} has no artifact.")
        name = f"{case.model}/{case.variant}"
        self.note(f"Converting {name} again as it was accepted: it is not in the cache any more.")
        with self._source(case.model, name, accepted) as source:
            entry = self.models.get(case.model) or ModelEntry(case.model, "", "regression", source, in_default=True)
            entry = replace(entry, source=source, problem="")
            artifact_format = self.formats[case.format]
            try:
                prepared = self.converter.prepare(entry)
                recipe = self._recipe(entry, case.variant, accepted.artifact, artifact_format)
                found = self.converter.convert(prepared, artifact_format, recipe)
            except CaseError as error:
                raise Unavailable(f"{_gone(name)} and cannot be converted again: {error}") from error
        if found.digest != accepted.artifact.digest:
            raise Unavailable(
                f"{_gone(name)}, and converting the same source again gives other bytes (sha256 {found.digest[:12]}…, "
                f"accepted is {accepted.artifact.digest[:12]}…): the harness's conversion or a package below it has "
                f"changed since{self._commit(accepted, ', at commit ')}."
            )
        return found

    @contextmanager
    def _source(self, model: str, name: str, accepted: AcceptedCase) -> Iterator[Source]:
        """The accepted source: where it is now if it is unchanged, else in a temporary folder, from git."""
        assert accepted.artifact is not None
        wanted, entry = accepted.artifact.source, self.models.get(model)
        if entry is not None and (not wanted or _identity(entry.source) == wanted):
            yield entry.source
            return
        origin = self.baseline.sources.get(wanted)
        gone = "has changed since" if entry is not None else "is no longer in harness.toml"
        start = f"{_gone(name)}, and its source {gone}"
        if origin is None:
            raise Unavailable(f"{start}; where it was is not known: {_ADVICE}.")
        commit = (self.baseline.run_of(accepted).commit or "").removesuffix("+changes")
        if not _COMMIT.fullmatch(commit):
            raise Unavailable(f"{start}; the run that was accepted was not in a git repository: {_ADVICE}.")
        if any(PurePosixPath(place).is_absolute() or ".." in place.split("/") for place in source_paths(origin)):
            raise Unavailable(f"{start}; the baseline says that it lay outside the project: {_ADVICE}.")
        if _git(self.root, "cat-file", "-e", f"{commit}^{{commit}}") is None:
            raise Unavailable(f"{start}; git does not know the commit {commit[:12]} that was accepted: {_ADVICE}.")
        for candidate in self._candidates(commit, origin):
            folder = Path(tempfile.mkdtemp(prefix="harness-source-"))
            try:
                self._write_out(candidate, origin, folder)
                source = source_of(origin, folder)
                if _identity(source) == origin.identity:
                    self.note(f"Taking the source of {name} from git at {candidate[:12]}: {origin.path}.")
                    yield source
                    return
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        raise Unavailable(
            f"{start}; git has another state of {', '.join(source_paths(origin))} at the accepted commit {commit[:12]} "
            f"and after it (changes that were never committed, or files that git does not keep): {_ADVICE}."
        )

    def _candidates(self, commit: str, origin: ModelOrigin) -> list[str]:
        """The accepted commit, then those after it that changed the source: what is accepted is often committed
        together with its baseline, whose run still names the commit before."""
        places = [f"./{place}" for place in source_paths(origin)]
        later = _git(self.root, "rev-list", "--reverse", f"{commit}..HEAD", "--", *places) or b""
        return [commit, *later.decode().split()[:MOST_COMMITS]]

    def _write_out(self, commit: str, origin: ModelOrigin, folder: Path) -> None:
        """What git has at a commit of every place of `origin`, below `folder`."""
        code = origin.kind in ("entry_point", "zoo")  # of whose folders Python files alone count
        for number, source in enumerate(source_paths(origin)):
            files = _git(self.root, "ls-tree", "-r", "-z", "--name-only", commit, "--", f"./{source}") or b""
            for name in filter(None, files.decode(errors="replace").split("\0")):
                if code and number == 0 and not name.endswith(".py"):
                    continue
                # With the repository's filters: line ends as in a checkout, and large files from Git LFS.
                content = _git(self.root, "cat-file", "--filters", f"{commit}:./{name}")
                path = folder / PurePosixPath(name)
                if content is not None and path.resolve().is_relative_to(folder.resolve()):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)

    def _recipe(self, entry: ModelEntry, name: str, accepted: AcceptedArtifact, artifact_format: Format) -> Variant:
        """The accepted recipe: its options, and its converter where the usual one is another by now."""
        if name == READY.name:
            return READY
        known = {variant.name: variant for variant in entry.variants(artifact_format)}
        variant = known.get(name) or Variant(name, "")
        options = variant.options if accepted.options is None else accepted.options
        if variant.made_from is not None:
            return replace(variant, options=options)
        pins = accepted.pins
        if not pins and accepted.converter and accepted.converter != self.converter.environment.versions():
            ours = self.converter.environment.packages
            pins = tuple(f"{package}=={pin}" for package, pin in accepted.converter.items() if package in ours)
        return Variant(name, variant.summary, options, base=variant.base, converter=pins)

    def _commit(self, accepted: AcceptedCase, before: str) -> str:
        commit = self.baseline.run_of(accepted).commit
        return f"{before}{commit[:12]}" if commit else ""


_ADVICE = (
    "convert it at the commit that made it (`harness convert` there, with HARNESS_CACHE naming this cache), or accept "
    "a new baseline"
)


def _gone(name: str) -> str:
    return f"The accepted artifact of {name} is not in the cache any more"


def _identity(source: Source) -> str:
    """The source's identity; empty where a file of it is not there."""
    try:
        return source.identity()
    except (HarnessError, OSError):
        return ""


def _git(root: Path, *arguments: str) -> bytes | None:
    """What git says, in `root`; None where it fails. Nothing is checked out."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, timeout=GIT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
