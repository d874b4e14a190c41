"""What a firmware reports over a serial line, read while it is written and when it has ended."""

import zlib

import pytest

from harness_targets.mcu.emulator.frames import ProtocolBroken, parse_report


def frame(text):
    return f"@{text} *{zlib.crc32(text.encode()):08x}\r\n"


REPORT = frame("HELLO 1 0 4000") + frame("OUT 0 0 0 0102") + frame(f"CRC 0 {zlib.crc32(bytes([1, 2])):x}")
END = frame("END 3")


def test_a_whole_report_is_read():
    report = parse_report(REPORT + END)
    assert (report.arena_limit, report.inputs_done, report.output(0)) == (0x4000, 1, bytes([1, 2]))


def test_its_last_line_may_lack_its_end():
    assert parse_report((REPORT + END).rstrip()).output(0) == bytes([1, 2])


@pytest.mark.parametrize("characters", range(len(REPORT + END.rstrip())))
def test_a_report_that_was_cut_anywhere_has_no_end_and_is_not_damaged(characters):
    assert parse_report((REPORT + END)[:characters]) is None


def test_a_damaged_line_that_has_its_end_is_damage_at_the_end_as_well():
    for damaged in (REPORT.replace("0102", "0103") + END, REPORT + END.replace("3", "4", 1)):
        with pytest.raises(ProtocolBroken, match="A frame is damaged"):
            parse_report(damaged)


def test_frames_that_did_not_arrive_are_missed():
    with pytest.raises(ProtocolBroken, match=r"3 frames arrived of 4\."):
        parse_report(REPORT + frame("END 4"))


def test_what_is_there_so_far_is_read_where_the_report_need_not_be_whole():
    assert parse_report(REPORT + "@CRC 1 12", whole=False).inputs_done == 1
