"""A PostgreSQL server of the tests' own: a temporary cluster on a Unix socket, never as root, gone with the tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path


def programs() -> Path | None:
    """Where `initdb` and `pg_ctl` are: Debian keeps them off PATH, one folder a version; the newest counts."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("pg_ctl")
    return Path(on_path).resolve().parent if on_path else None


class Cluster:
    """A server that can be stopped hard and started again."""

    def __init__(self, programs: Path) -> None:
        self.programs = programs
        # Short, because a socket's path may have 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self.user: str | None = None
        if os.geteuid() == 0:
            self.user = "postgres" if _exists("postgres") else "nobody"
            shutil.chown(self.folder, self.user)
        self._run("initdb", "--pgdata", self.data, "--username=tests", "--auth=trust", "--no-sync", "--encoding=UTF8")
        self.start()

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://tests@/{database}?host={self.folder}"

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "--wait", "--pgdata", self.data, "--log", log, "--options", options)

    def crash(self) -> None:
        """Stop without a shutdown, as when the power goes."""
        self._run("pg_ctl", "stop", "--mode=immediate", "--pgdata", self.data)

    def new_database(self, name: str) -> str:
        """The URL of a new, empty database."""
        self._run("createdb", "--host", str(self.folder), "--username", "tests", name)
        return self.url(name)

    def remove(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):  # it may be stopped already
            self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.programs / program), *arguments],
            check=True,
            user=self.user,
            cwd="/",
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
