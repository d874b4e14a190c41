"""What comes over a line is untrusted: damaged and forged requests, under both sanitisers."""

from __future__ import annotations

import random
import subprocess
import zlib
from pathlib import Path

import pytest

from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.job import pack_job
from harness_targets.mcu.line.line import frame
from harness_targets.mcu.plan import Plan, plan_model
from harness_targets.mcu.toolchain import build_host_server
from tests.targets.mcu.random_operators import random_inputs, random_model

REQUESTS = 4000
WORDS = ("ASK", "PUT", "RUN", "TRY", "", "GOT", "A" * 700, "PUT 1", "RUN 1 1")
NUMBERS = ("0", "1", "2", "ffffffff", "100000000", "7fffffff", "29", "2a", "2b", "-1", "g", "", "10", "11")


def forged(chance: random.Random, plan: Plan, content: bytes) -> bytes:
    """A request that is sound, or damaged, or that only looks sound."""
    number, offset = chance.randrange(4), chance.choice((0, 0, 0, chance.randrange(plan.input_bytes + 3)))
    sound = (
        f"PUT {number:x} {offset:x} {content[offset : offset + chance.randrange(300)].hex()}",
        f"RUN {number:x} {chance.randrange(18):x} {chance.randrange(2)} {zlib.crc32(content):x}",
        f"ASK {number:x}",
        " ".join([chance.choice(WORDS), *(chance.choice(NUMBERS) for _ in range(chance.randrange(5)))]),
    )
    text = chance.choice(sound)
    if text.startswith("TRY"):
        return b""
    request = bytearray(frame(text))
    for _ in range(chance.choice((0, 0, 1, 3))):
        request[chance.randrange(len(request))] = chance.randrange(256)
    return bytes(request)


@pytest.mark.parametrize("room", [True, False], ids=["with room beside the arena", "without"])
def test_forged_requests_break_nothing(host_kernels: HostKernels, build_cache: Path, tmp_path: Path, *, room: bool):
    server = build_host_server(build_cache, sanitise=True)
    chance = random.Random(int(room))
    plan = plan_model(random_model("CONV_2D", "int8", 8).write())
    (content,) = random_inputs(plan.inputs, 1, 1)
    (tmp_path / "job").write_bytes(pack_job(plan, (), 1))
    arena = plan.arena_bytes + (-plan.arena_bytes % 16 + plan.input_bytes if room else 0)
    requests = b"".join(forged(chance, plan, content) for _ in range(REQUESTS))
    command = [server, tmp_path / "none", tmp_path / "job", str(arena), "168000000", "1000"]
    done = subprocess.run(command, input=requests, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()[:2000]
    kinds = {line.split(" ")[0] for line in done.stdout.decode().splitlines() if line}
    assert {"@BOOT", "@ID", "@GOT", "@LACK", "@AGAIN", "@ERROR", "@WAIT", "@RUN", "@OUT", "@END"} <= kinds
