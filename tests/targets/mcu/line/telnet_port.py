"""A serial port that is served over the network as RFC 2217 has it: `telnet_port.py PORT DEVICE`, one client after the
other, until it is ended. pyserial has both sides of the protocol; this is its server."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading

import serial
from serial.rfc2217 import PortManager


class Connection:
    def __init__(self, client: socket.socket) -> None:
        self.client = client

    def write(self, content: bytes) -> None:
        self.client.sendall(content)


class Manager(PortManager):
    def check_modem_lines(self, force_notification: bool = False) -> None:
        """A pseudo-terminal has none."""


class Terminal(serial.Serial):
    """A pseudo-terminal, whose control lines nobody can set."""

    def _update_dtr_state(self) -> None: ...

    def _update_rts_state(self) -> None: ...


def serve(client: socket.socket, device: serial.Serial) -> None:
    manager = Manager(device, Connection(client))
    ended = threading.Event()

    def forward() -> None:
        while not ended.is_set():
            content = device.read(device.in_waiting or 1)
            with contextlib.suppress(OSError):
                client.sendall(b"".join(manager.escape(content)))

    thread = threading.Thread(target=forward, daemon=True)
    thread.start()
    with contextlib.suppress(OSError):
        while content := client.recv(1024):
            device.write(b"".join(manager.filter(content)))
    ended.set()
    thread.join()


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listening:
        opened = Terminal(sys.argv[2], timeout=0.05)
        print("serving", flush=True)
        while True:
            with listening.accept()[0] as accepted:
                serve(accepted, opened)
