"""What people see of a run: `render` and `write` make the dashboard; `tables.show` and `tables.compare` the tables
in the terminal. Importing this is quick: the page's libraries are imported on use."""

from harness.report.page import render, write

__all__ = ["render", "write"]
