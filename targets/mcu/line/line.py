"""One request after another over a line that loses, doubles and changes characters (the board's side:
firmware/job_serve.c).

Every request may be made twice, so whatever is missing or damaged is asked for again. A result is put together from all
frames of it that ever came whole. Numbers start at random and are never used twice, so that what still comes of an
earlier request, or of an earlier process, is not taken for the answer.
"""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..emulator.frames import Report, check_outputs, split_frame, take_frame
from ..emulator.job_result import ProtocolBroken
from .line_errors import BoardBusy, BoardReset, BoardSilent, LineGarbled
from .port import Port

PART_BYTES = 256
"""Bytes of an input in one request: the firmware has a line of 640 characters."""
RUNS_LIMIT = 16
"""Runs that one request may ask for (RUNS_LIMIT of the firmware)."""
_IDENTITY_FIELDS = 9
_ORDER = ("RUN", "OP", "OUT", "CRC", "STACK")
_LONGEST_PATIENCE = 2.0
_AT_115200_BAUD = 10 / 115_200
"""Seconds; ten bits each."""
_WORK = 8.0
"""Factor by which a board that has said that it works is asked less often, because it hears nothing meanwhile."""
_RUBBISH_CHARACTERS = 65_536
"""Characters without one sound frame after which no frame of ours is to be expected."""


@dataclass(frozen=True)
class RetryTimeouts:
    """Seconds: until a request is made again, until a board from which nothing comes is silent."""

    retry_seconds: float = 0.5
    silence_seconds: float = 5.0


@dataclass(frozen=True)
class BoardIdentity:
    """What a board says it is. Sizes in bytes; `clock_hz` is 0 where its registers do not tell."""

    job_version: int
    plan_version: int
    arena_bytes: int
    image_checksum: int
    job_checksum: int
    clock_hz: int
    counts_cycles: bool
    keeps_input: bool
    """Whether one input serves several runs; else a run writes over it."""
    cycles: int
    """The core's cycle counter, modulo 2³²."""
    asked: float
    answered: float
    """Times by this machine's clock in seconds. The counter was read between `asked` and `answered`."""


@dataclass(frozen=True)
class Refusal:
    """The board's ERROR: numbers of firmware/job.h."""

    status: int
    detail: int


@dataclass
class Statistics:
    """How good the line is."""

    requests: int = 0
    repeated: int = 0
    damaged: int = 0


@dataclass
class _Result:
    """Frames of one run as they come, over all times that they are sent."""

    frames: dict[str, list[str]] = field(default_factory=dict)
    count: int = -1
    """The count that END gives; -1 until END came."""

    @property
    def whole(self) -> bool:
        return len(self.frames) == self.count

    def report(self) -> Report:
        """Raises as `take_frame`, and `ProtocolBroken`."""
        report = Report()

        def place(words: list[str]) -> tuple[int, list[int]]:
            last = 4 if words[0] == "OUT" else 3  # OUT has bytes behind its numbers
            return _ORDER.index(words[0]), [int(word, 16) for word in words[1:last]]

        try:
            for words in sorted(self.frames.values(), key=place):
                take_frame(report, words[0], words[1:])
        except (ValueError, IndexError):
            raise ProtocolBroken("The board sent frames that make no sense.") from None
        check_outputs(report)
        return report


def frame(text: str) -> bytes:
    """A request as it goes over the line; the line end before it ends whatever was left of another."""
    return f"\n@{text} *{zlib.crc32(text.encode()):08x}\n".encode()


@dataclass
class _Exchange:
    """One request and what has come of it; times are those of the monotonic clock, in seconds."""

    begun: float
    asked: float
    """When it was sent last."""
    heard: float
    """When anything came last."""
    grown: float
    """When what was asked for became larger last."""
    size: int
    """How much of it there is."""
    sent: int = 0
    """How many times it was sent."""
    must_ask: bool = True
    heard_anything: bool = False
    is_working: bool = False
    """Whether the board said last that it works."""
    was_damaged: bool = False
    """Whether a frame came damaged since it was sent."""


class Line:
    """The far side of a port. `seconds` is how long one run of the model may take."""

    def __init__(
        self, port: Port, name: str, patience: RetryTimeouts = RetryTimeouts(), seconds: float = 300.0
    ) -> None:
        self.port = port
        self.name = name
        self.patience = patience
        self.seconds = seconds
        self.statistics = Statistics()
        self._pending = bytearray()
        self._rubbish = 0
        self._number = random.SystemRandom().getrandbits(32)
        self._again = patience.retry_seconds
        """Seconds until a request is repeated, by the rule of Karn and Partridge: a wait that was too short stays
        doubled until a request that was made once is answered, so that a slow board is not flooded."""
        self._seconds_a_character = _AT_115200_BAUD

    def next_number(self) -> int:
        """One that this line has not used."""
        self._number = (self._number + 1) & 0xFFFFFFFF
        return self._number

    def identify(self) -> BoardIdentity | Refusal:
        """Who is there. Raises `BoardSilent` and the other outcomes of a line."""
        number = f"{self.next_number():x}"
        asked = time.monotonic()

        def read(words: list[str]) -> BoardIdentity | Refusal | None:
            if words[:2] != ["ID", number]:
                return _refusal(words, number)
            values = [int(word, 16) for word in words[2:]]
            if len(values) != _IDENTITY_FIELDS:
                raise LineGarbled(f"The board on {self.name} has firmware of another version of the harness.")
            job, plan, arena, image, checksum, clock, counts, keeps, cycles = values
            return BoardIdentity(
                job, plan, arena, image, checksum, clock, bool(counts), bool(keeps), cycles, asked, time.monotonic()
            )

        return self._ask(f"ASK {number}", read, is_first=True)

    def put(self, number: int, content: bytes) -> None:
        """Bring the input of a run to the board, in parts. Raises `BoardReset` where the board forgets what it had."""
        name = f"{number:x}"
        for offset in range(0, max(1, len(content)), PART_BYTES):
            part = content[offset : offset + PART_BYTES]

            def read(words: list[str], place: str = f"{offset:x}") -> bool | Refusal | None:
                if words[:3] == ["GOT", name, place]:
                    return True
                if words[:2] == ["LACK", name]:
                    raise BoardReset(self._was_reset())
                return _refusal(words, name)

            answer = self._ask(f"PUT {name} {offset:x} {part.hex()}", read)
            if isinstance(answer, Refusal):
                raise ProtocolBroken(f"The board did not take its input (error {answer.status}).")

    def run(self, number: int, content: bytes, runs: int, *, kept: bool) -> Report | Refusal:
        """Run what was put under `number`, `runs` times; outputs are the last run's. `kept`: its state is what the run
        before it left. Raises the outcomes of a line."""
        name = f"{number:x}"
        result = _Result()

        def read(words: list[str]) -> Report | Refusal | None:
            if words[0] == "END" and words[-1] == name:
                result.count = int(words[1], 16)
            elif words[0] in _ORDER and name == (words[-1] if words[0] == "STACK" else words[1]):
                result.frames[" ".join(words)] = words
            elif words[:2] == ["LACK", name]:
                raise BoardReset(self._was_reset())
            elif (refused := _refusal(words, name)) is not None:
                return refused
            return result.report() if result.whole else None

        text = f"RUN {name} {runs:x} {int(kept):x} {zlib.crc32(content):x}"
        return self._ask(
            text,
            read,
            seconds=self.seconds * runs,
            ended=lambda words: words[0] == "END" and words[-1] == name,
            growing=lambda: len(result.frames),
        )

    def try_self_test(self, which: int) -> None:
        """Have the firmware fail on purpose. Raises what comes of it."""
        name = f"{self.next_number():x}"
        self._ask(f"TRY {name} {which:x}", lambda words: None, seconds=self.patience.silence_seconds)

    def _was_reset(self) -> str:
        return f"The board on {self.name} started anew in the middle of its work: a reset, or a loss of power."

    def _ask(
        self,
        text: str,
        read: Callable[[list[str]], Any],
        *,
        seconds: float = 0.0,
        ended: Callable[[list[str]], bool] = lambda words: False,
        growing: Callable[[], int] = lambda: 0,
        is_first: bool = False,
    ) -> Any:
        """Makes a request until it is answered.

        Args:
            text: the request.
            read: gives the answer once a frame completes it.
            seconds: how long the board may work; the time starts again whenever the value of `growing` grows.
            ended: whether the board has said all with this frame, so that what is missing is asked for at once.
            growing: a number that grows while the board makes progress.
            is_first: whether BOOT and FAULT frames are of the board's life before this request, and are ignored.
        """
        request, number = frame(text), text.split(" ")[1]
        now = time.monotonic()
        exchange = _Exchange(begun=now, asked=now, heard=now, grown=now, size=growing())
        self.statistics.requests += 1
        while True:
            if exchange.must_ask:
                self._send(request, exchange)
            for line in self._lines():
                words = self._frame(line, exchange)
                if words is None:
                    continue
                exchange.is_working = words == ["WAIT", number]
                if words[0] in ("BOOT", "FAULT") and not is_first:
                    if words[0] == "FAULT":
                        take_frame(Report(), words[0], words[1:])  # which raises
                    raise BoardReset(self._was_reset())
                answer = read(words)
                if answer is not None:
                    if exchange.sent == 1:
                        self._learn(exchange.heard - exchange.begun, len(request))
                    return answer
                if words[0] in ("AGAIN", "BOOT") or ended(words):
                    exchange.must_ask = True
            now = time.monotonic()
            if growing() != exchange.size:
                exchange.size, exchange.grown = growing(), now
            self._check(exchange, now, max(seconds, self.patience.silence_seconds))
            if exchange.was_damaged and now - exchange.heard > self.patience.retry_seconds:
                exchange.must_ask = True  # the board has answered, and what it said is lost
            elif now - max(exchange.asked, exchange.heard) > self._wait_seconds(len(request), exchange):
                exchange.must_ask = True
                self._again = min(2 * self._again, max(_LONGEST_PATIENCE, self.patience.retry_seconds))

    def _send(self, request: bytes, exchange: _Exchange) -> None:
        self.port.write(request)
        exchange.asked = time.monotonic()
        exchange.must_ask = exchange.was_damaged = False
        exchange.sent += 1
        if exchange.sent > 1:
            self.statistics.repeated += 1

    def _frame(self, line: str, exchange: _Exchange) -> list[str] | None:
        """A frame's words; None of one that was damaged on its way."""
        exchange.heard, exchange.heard_anything = time.monotonic(), True
        words = split_frame(line)
        if words is None:
            self.statistics.damaged += 1
            exchange.was_damaged = True
        else:
            self._rubbish = 0
        return words

    def _check(self, exchange: _Exchange, now: float, seconds: float) -> None:
        """Raises what is wrong with the board or the line, if waiting for longer is in vain."""
        silence = self.patience.silence_seconds
        if not exchange.heard_anything and now - exchange.begun > silence:
            raise BoardSilent(
                f"Nothing came from the board on {self.name} in {silence:g} s: see that it is powered, that its"
                " transmitter and receiver are not exchanged, and that `baud` is what its image has."
            )
        if self._rubbish > _RUBBISH_CHARACTERS:
            raise LineGarbled(
                f"What comes from {self.name} is nothing that the harness's firmware sends: another program runs on"
                " the board, `baud` is wrong, or something else reads or writes the line."
            )
        if now - exchange.grown > seconds:
            raise BoardBusy(f"The board on {self.name} gave no whole answer within {seconds:g} s.")

    def _wait_seconds(self, characters: int, exchange: _Exchange) -> float:
        """How long an answer to a request of so many characters is waited for before it is repeated."""
        wait = self._again + 2 * characters * self._seconds_a_character
        return max(wait, _WORK * self.patience.retry_seconds) if exchange.is_working else wait

    def _learn(self, seconds: float, characters: int) -> None:
        """Learns from a request that was answered at once."""
        self._again = self.patience.retry_seconds
        self._seconds_a_character += 0.25 * (seconds / characters - self._seconds_a_character)

    def _lines(self) -> list[str]:
        """What lines have ended, each from its last '@' on; without one it is none of ours."""
        content = self.port.read()
        self._rubbish += len(content)
        self._pending += content
        *whole, rest = self._pending.split(b"\n")
        self._pending = rest[-4096:]
        lines = []
        for line in whole:
            _, mark, last = line.rpartition(b"@")
            if mark:
                lines.append("@" + last.rstrip(b"\r").decode("ascii", "replace"))
        return lines


def _refusal(words: list[str], number: str) -> Refusal | None:
    if words[0] == "ERROR" and words[-1] == number and len(words) == 4:
        return Refusal(int(words[1], 16), int(words[2], 16))
    return None
