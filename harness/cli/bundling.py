"""`bundle`: a fault of a runtime as one zip for its authors."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness import registry
from harness.artifact import Artifact
from harness.bundle.archive import write_zip
from harness.bundle.conversion_fault import conversion_fault
from harness.bundle.fault import Fault, FaultFinder, NoFault
from harness.bundle.report import title, write_readme, write_report
from harness.cache import Cache
from harness.cli.locating import case_of
from harness.cli.progress import ConsoleProgress
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.errors import CaseError, Crashed, HarnessError, Unsupported
from harness.gate.policy_file import project_policy
from harness.locate.locator import Locator
from harness.paths import cache_directory, project_root
from harness.reproduction import SHOWS, Repeated, Reproduction
from harness.run.matrix import Case
from harness.target import Target

SAMPLES = 4


def bundle_case(name: str, output: str | None, *, without_weights: bool, as_json: bool) -> int:
    """Find the smallest model that shows the case's fault, repeat it by the script alone, and write both: 0. Raises
    `HarnessError` where there is nothing to report, or it does not show without this program."""
    case = case_of(name)
    path = Path(output) if output is not None else Path(f"{case.id.replace('/', '-')}.zip")
    if path.suffix != ".zip" or not path.parent.is_dir():
        raise HarnessError(f"The bundle is one zip file in a folder that is there; {path} is not: name another.")
    with ConsoleProgress() as progress, tempfile.TemporaryDirectory(prefix="harness-bundle-") as scratch:
        converter = Converter(Cache(cache_directory() / "artifacts", progress.note), environment("converter"), 1)
        try:
            shown = reporting(case)
            try:
                fault, repeated, folder = repeated_fault(shown, converter, Path(scratch), progress, without_weights)
            except HarnessError as error:
                if shown is case:
                    raise
                by = f"{case.target.name} is no public package, and by {shown.target.name}, which is one"
                raise HarnessError(f"There is no bundle of {case.id}: {by}: {error}") from error
            beside = "" if shown is case else what_it_makes(case.target, fault)
        finally:
            converter.close()
        write_zip(folder, path)
    told = title(fault, _reproduction_of(shown, fault))
    if as_json:
        document = {
            "case": case.id,
            "file": str(path),
            "fault": told,
            "operator_alone": fault.is_alone,
            "beside": beside,
        }
        print(json.dumps({**document, "operators": fault.artifact.operators, "script": repeated.text}, indent=1))
        return 0
    print(f"{case.id}: {told}")
    if beside:
        print(beside)
    if fault.not_isolated_reason:
        print(f"It is the whole model ({fault.not_isolated_reason}).")
    print(f"{path} ({path.stat().st_size:,} bytes) shows it, and so it did here without the harness:")
    lines = [line for line in repeated.text.strip().splitlines() if line != told]
    print("\n".join(f"  {line}".rstrip() for line in lines))
    return 0


def reporting(case: Case) -> Case:
    """The case on the target whose public package repeats its fault: itself, but where its target names another."""
    name = case.target.reported_by
    return replace(case, target=registry.targets()[name]) if name else case


def what_it_makes(target: Target, fault: Fault) -> str:
    """Whether a target makes just what is packed of the packed model."""
    if fault.is_conversion or fault.death_signal:
        return ""
    try:
        if missing := target.unsupported_operators(fault.artifact):
            raise Unsupported("; ".join(missing))
        with target.open(fault.artifact) as session:
            made = session.infer(fault.inputs)
    except CaseError as error:
        return f"What {target.name} makes of it by itself was not seen ({str(error).rstrip('.')})."
    if all(np.array_equal(made[name], values, equal_nan=True) for name, values in fault.actual.items()):
        return f"{target.name} makes just the same of it."
    return f"{target.name} makes other values of it, so that its fault is not this one alone."


def repeated_fault(
    case: Case, converter: Converter, scratch: Path, progress: ConsoleProgress, without_weights: bool
) -> tuple[Fault, Repeated, Path]:
    """The smallest fault whose script shows it, what that said, and the folder that has both."""
    locator = Locator(case, converter, project_policy(project_root()), SAMPLES, scratch)
    _reproduction(case, locator.artifact)  # told before the work begins
    progress.note(f"Looking into {case.id} …")
    candidates, said = _faults(locator, scratch, without_weights), ""
    while True:
        try:
            fault = next(candidates, None)
        except NoFault as error:
            raise HarnessError(f"There is nothing to report of {case.id}: {error}.") from error
        except CaseError as error:
            raise HarnessError(f"There is no bundle of {case.id}: {str(error).rstrip('.')}.{said}") from error
        if fault is None:
            raise HarnessError(f"There is no bundle of {case.id}, whose fault is in the conversion.{said}")
        fault = in_public_words(fault)
        reproduction = _reproduction_of(case, fault)
        if fault.death_signal and not reproduction.reports_crash:
            raise HarnessError(
                f"There is no bundle of {case.id}: it dies of {fault.death_signal}, which no script here sees."
            )
        folder = Path(tempfile.mkdtemp(dir=scratch))
        write_report(folder, fault, reproduction)
        progress.note(f"Repeating it with {', '.join(reproduction.packages)} alone …")
        unpacked = shutil.copytree(folder, scratch / f"{folder.name}-unpacked")  # Python leaves compiled files there
        repeated = reproduction.repeat(unpacked)
        if repeated.status == SHOWS:
            write_readme(folder, fault, reproduction, repeated.text)
            return fault, repeated, folder
        last = (repeated.text.strip().splitlines() or ["it said nothing"])[-1]
        said = f" By the script alone: {last}"


def in_public_words(fault: Fault) -> Fault:
    """The fault with runtimes called as their authors know them, not as this project calls its targets."""
    words: dict[str, str] = {}
    for name, target in registry.targets().items():
        if target.format == fault.artifact.format and any(name in text for text in (fault.against, *fault.notes)):
            with suppress(CaseError):
                words[name] = target.reproduction(fault.artifact).runtime_name

    def said(text: str) -> str:
        for name in sorted(words, key=len, reverse=True):  # `tfjs/chromium-wasm-threads` before `tfjs/chromium-wasm`
            text = text.replace(name, words[name])
        return text

    return replace(fault, against=said(fault.against), notes=tuple(map(said, fault.notes)))


def _faults(locator: Locator, scratch: Path, without_weights: bool) -> Iterator[Fault]:
    """What there is to report, the smallest first: of the runtime, else of the converter. Raises as
    `FaultFinder.candidates`."""
    finder = FaultFinder(locator, scratch, without_weights=without_weights)
    try:
        finding = locator.runtime(in_doubt=True)
    except Crashed as crash:
        yield finder.crash_fault(crash)
        return
    try:
        yield from finder.candidates(finding)
    except NoFault as nothing:
        if without_weights or locator.case.format.conversion_reproduction is None:
            raise
        try:
            fault = conversion_fault(locator, Path(tempfile.mkdtemp(dir=scratch)))
        except NoFault:
            raise nothing from None
        yield fault


def _reproduction_of(case: Case, fault: Fault) -> Reproduction:
    converter = case.format.conversion_reproduction
    return converter(fault.artifact) if fault.is_conversion and converter else _reproduction(case, fault.artifact)


def _reproduction(case: Case, artifact: Artifact) -> Reproduction:
    try:
        return case.target.reproduction(artifact)
    except CaseError as error:
        raise HarnessError(f"There is no bundle of {case.id}: {str(error).rstrip('.')}.") from error
