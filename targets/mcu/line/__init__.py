"""Boards at the end of a serial line: found in a hardware map, flashed with the user's own tool, given one input at a
time. The other side of the line is firmware/job_serve.c."""
