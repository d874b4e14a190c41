"""The kernels and the job runner under AddressSanitizer and UndefinedBehaviorSanitizer, on sound and damaged jobs.

A job that an attacker made has right checksums: the damaged ones here get theirs mended, so that what is tested are the
kernels' own checks.
"""

from __future__ import annotations

import contextlib
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from harness_targets.mcu.emulator.frames import parse_report
from harness_targets.mcu.emulator.job_result import FirmwareFault
from harness_targets.mcu.job import pack_job
from harness_targets.mcu.plan import PlanRefused, plan_model
from harness_targets.mcu.plan.format import STEP_KINDS
from harness_targets.mcu.toolchain import build_host_runner

from .random_operators import FORMS, Draws, random_inputs, random_model

pytestmark = pytest.mark.needs("sanitisers")
ARENA = 1 << 16
DAMAGED_A_OPERATOR = 40


@pytest.fixture(scope="module")
def runner(build_cache: Path) -> Path:
    return build_host_runner(build_cache, sanitise=True)


def run(runner: Path, jobs: list[bytes], directory: Path) -> list[str]:
    """What the runner printed for each job. It must neither stop nor hang on any."""
    paths = []
    for index, job in enumerate(jobs):
        paths.append(directory / f"{index}.job")
        paths[-1].write_bytes(job)
    done = subprocess.run([runner, str(ARENA), *paths], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"after {done.stdout.count('JOB ')} jobs: {done.stderr[:2000]}"
    return [part.split("\n", 1)[1] for part in ("\n" + done.stdout).split("\nJOB ")[1:]]


def job_of(name: str, dtype: str, seed: int) -> bytes:
    plan = plan_model(random_model(name, dtype, seed).write())
    return pack_job(plan, random_inputs(plan.inputs, seed, 1), 1)


def mend(job: bytearray) -> bytes:
    """Gives a damaged job the checksums of its present bytes."""
    plan_offset, plan_bytes, inputs_offset = struct.unpack_from("<3I", job, 16)
    if plan_offset + 16 <= len(job) and plan_offset % 16 == 0:
        total = min(struct.unpack_from("<I", job, plan_offset + 8)[0], plan_bytes)
        plan = job[plan_offset + 16 : plan_offset + total]
        struct.pack_into("<I", job, plan_offset + 12, zlib.crc32(plan))
    inputs = job[inputs_offset : struct.unpack_from("<I", job, 8)[0]]
    struct.pack_into("<I", job, 12, zlib.crc32(inputs, zlib.crc32(job[16:48])))
    return bytes(job)


def damage(job: bytes, random: np.random.Generator) -> bytes:
    """One word of the plan's tables and steps, or of the job's header, set to something else."""
    copy = bytearray(job)
    constants = struct.unpack_from("<I", job, struct.unpack_from("<I", job, 16)[0] + 14 * 4)[0]
    place = 4 * int(random.integers(4, (48 + constants) // 4))
    word = struct.unpack_from("<I", copy, place)[0]
    changed = int(
        random.choice(
            [0, 1, word + 1, word - 1, word * 2, word ^ (1 << int(random.integers(0, 32))), 2**31, 2**32 - 1, 32767]
        )
    )
    struct.pack_into("<I", copy, place, changed % 2**32)
    return mend(copy)


@pytest.mark.parametrize(("name", "dtype"), FORMS)
def test_sound_jobs_run_clean(name: str, dtype: str, runner: Path, tmp_path: Path, draws: Draws):
    reports = run(runner, [job_of(name, dtype, seed) for seed in draws(4, 8)], tmp_path)
    assert all(parse_report(report).output_crc for report in reports)


@pytest.mark.parametrize(("name", "dtype"), [form for form in FORMS if form[1] != "float32"])
def test_forged_jobs_get_a_verdict_and_touch_nothing_outside(
    name: str, dtype: str, runner: Path, tmp_path: Path, draws: Draws
):
    random = np.random.default_rng(7)
    jobs = [damage(job_of(name, dtype, int(random.integers(0, 30))), random) for _ in draws(15, DAMAGED_A_OPERATOR)]
    for report in run(runner, jobs, tmp_path):
        with contextlib.suppress(PlanRefused, FirmwareFault):  # verdicts; a broken report is none
            assert parse_report(report) is not None


def steps_of(job: bytes, kind: str) -> list[int]:
    """Where in a job the fields of each step of a kind begin."""
    (plan,) = struct.unpack_from("<I", job, 16)
    count, offset = struct.unpack_from("<2I", job, plan + 12 * 4)
    found, place = [], plan + offset
    for _ in range(count):
        number, words, _ = struct.unpack_from("<3I", job, place)
        if number == STEP_KINDS[kind]:
            found.append(place + 12)
        place += 4 * words
    return found


OUTPUT_AND_WHAT_IT_MUST_NOT_TOUCH = [
    ("DEPTHWISE_CONV_2D", "int8", "depthwise_int8", 1, 4),
    ("DEPTHWISE_CONV_2D", "int16", "depthwise_int16", 1, 4),
    ("SOFTMAX", "int8", "softmax_int8", 1, 0),
    ("RESIZE_BILINEAR", "int8", "resize_int8", 1, 2),
]


@pytest.mark.parametrize(("name", "dtype", "kind", "output", "other"), OUTPUT_AND_WHAT_IT_MUST_NOT_TOUCH)
def test_what_a_kernel_has_checked_is_not_where_it_writes(
    name: str, dtype: str, kind: str, output: int, other: int, runner: Path, tmp_path: Path
):
    """Pointers, indices and places that a forged plan has the outputs written over."""
    jobs = []
    for seed in range(30):
        job = bytearray(job_of(name, dtype, seed))
        for fields in steps_of(job, kind):
            (place,) = struct.unpack_from("<I", job, fields + 4 * output)
            struct.pack_into("<I", job, fields + 4 * other, place & ~7)
            jobs.append(mend(job))
    assert jobs
    for report in run(runner, jobs, tmp_path):
        with pytest.raises(PlanRefused, match="a step reaches outside"):
            parse_report(report)


def test_inputs_that_add_up_beyond_the_largest_number_are_refused(runner: Path, tmp_path: Path):
    job = job_of("CONV_2D", "int8", 1)
    (place,) = struct.unpack_from("<I", job, 16)
    header = list(struct.unpack_from("<16I", job, place))
    count = (1 << 32) // ARENA
    table = struct.pack("<3I", 0, ARENA, 0) * count
    header[2], header[4], header[6], header[7] = 64 + len(table), ARENA, count, 64
    header[8:15] = [0, 64, 0, 64, 0, 64, 64]
    header[15] = 0
    plan = struct.pack("<16I", *header) + table
    whole = bytearray(struct.pack("<12I", *struct.unpack_from("<2I", job), 48 + len(plan), 0, 48, len(plan), *[0] * 6))
    struct.pack_into("<4I", whole, 24, 48 + len(plan), 0, 1, 1)
    with pytest.raises(PlanRefused, match="the inputs are not of the size that the plan asks for"):
        parse_report(run(runner, [mend(whole + plan)], tmp_path)[0])


def test_truncated_and_flipped_jobs_are_refused(runner: Path, tmp_path: Path):
    random = np.random.default_rng(11)
    job = job_of("CONV_2D", "int8", 1)
    jobs = [job[: int(random.integers(0, len(job)))] for _ in range(100)]
    for _ in range(100):
        copy = bytearray(job)
        copy[int(random.integers(0, len(copy)))] ^= 1 << int(random.integers(0, 8))
        jobs.append(bytes(copy))
    for report in run(runner, jobs, tmp_path):
        with pytest.raises(PlanRefused):
            parse_report(report)
