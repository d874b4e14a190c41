"""Runs a job under Renode (renode.io)."""

from __future__ import annotations
from dataclasses import dataclass
from pathlib import Path
from ..boards import Board
from .frames import Report
@dataclass(frozen=True)
class Renode:
    name = "renode"
