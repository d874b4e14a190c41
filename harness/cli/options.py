"""Options and arguments that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
RunName = Annotated[str, typer.Argument(help="A run's id, or its beginning.")]
