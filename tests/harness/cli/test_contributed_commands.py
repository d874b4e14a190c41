"""Target families add commands through an entry point; one that is broken costs its own commands and no others."""

import subprocess
import sys

import typer

from harness.cli import main


class Point:
    """What `importlib.metadata` gives for one entry point."""

    def __init__(self, name, loaded):
        self.name = name
        self.loaded = loaded

    def load(self):
        if isinstance(self.loaded, Exception):
            raise self.loaded
        return self.loaded


def test_a_familys_command_is_added_beside_a_broken_family(monkeypatch, capsys):
    application = typer.Typer()
    monkeypatch.setattr(main, "app", application)
    points = [
        Point("a-broken-one", ImportError("no such module")),
        Point("greeter", lambda app: app.command(name="greet")(lambda: print("hello"))),
    ]
    monkeypatch.setattr(main, "entry_points", lambda group: points if group == "harness.commands" else [])
    main.add_contributed_commands()
    assert [command.name for command in application.registered_commands] == ["greet"]
    complaint = capsys.readouterr().err
    assert complaint == "harness: the commands of a-broken-one cannot be added (no such module).\n"


def test_the_command_line_starts_without_a_runtime_or_a_target():
    """Commands import what they need when they are called."""
    program = (
        "import sys, harness.cli.main; "
        "print([m for m in sys.modules if m.startswith(('numpy', 'harness_targets.mcu.target', 'elftools'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
