"""`init-ci`: a workflow for GitHub Actions, ready to commit."""

from __future__ import annotations

from pathlib import Path

from harness.errors import HarnessError
from harness.paths import project_root
from harness.store.runs import write_atomically

PLACE = Path(".github") / "workflows" / "harness.yml"

WORKFLOW = """\
# Runs the benchmark and validation harness, and its gate. Written by `harness init-ci`; yours to change.
name: harness

on:
  pull_request:
  push:
    branches: [main]

permissions:
  contents: read
  pull-requests: write
  security-events: write

concurrency:
  group: harness-${{ github.ref }}
  cancel-in-progress: true

env:
  # Both checkouts share one cache: that is how the old side of a latency comparison is at hand.
  HARNESS_CACHE: ${{ github.workspace }}/.harness-cache
  # A fork's pull request gets a token that can only read: it has the step summary instead.
  MAY_WRITE: ${{ github.event_name == 'push' || github.event.pull_request.head.repo.full_name == github.repository }}

jobs:
  gate:
    runs-on: ubuntu-latest
    timeout-minutes: 60
    steps:
      - uses: actions/checkout@v4

      - name: The state before this change
        if: github.event_name == 'pull_request'
        uses: actions/checkout@v4
        with:
          ref: ${{ github.event.pull_request.base.sha }}
          path: .harness-before

      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"

      - uses: actions/cache@v4
        with:
          path: .harness-cache
          key: harness-${{ runner.os }}-${{ github.sha }}
          restore-keys: harness-${{ runner.os }}-

      - name: Install
        run: |
          python -m pip install ml-runtime-harness
          harness doctor

      - name: Convert the state before
        if: github.event_name == 'pull_request'
        working-directory: .harness-before
        continue-on-error: true
        run: harness convert

      # A failing case is for the gate to tell, from the same record. A mistake (exit code 2) ends the job here.
      - name: Run
        run: harness run || [ $? -eq 1 ]

      - name: Gate
        run: >
          harness gate --complete
          --junit results/junit.xml --sarif results/harness.sarif --markdown results/summary.md

      - name: Summary
        if: always()
        run: if [ -f results/summary.md ]; then cat results/summary.md >> "$GITHUB_STEP_SUMMARY"; fi

      - name: Comment on the pull request
        if: always() && github.event_name == 'pull_request' && env.MAY_WRITE == 'true'
        env:
          GH_TOKEN: ${{ github.token }}
          NUMBER: ${{ github.event.pull_request.number }}
        run: |
          if [ -f results/summary.md ]; then
            gh pr comment "$NUMBER" --body-file results/summary.md --edit-last ||
              gh pr comment "$NUMBER" --body-file results/summary.md
          fi

      - name: Code scanning
        if: always() && env.MAY_WRITE == 'true' && hashFiles('results/harness.sarif') != ''
        continue-on-error: true
        uses: github/codeql-action/upload-sarif@v3
        with:
          sarif_file: results/harness.sarif
          category: harness

      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: harness
          path: |
            results/dashboard.html
            results/junit.xml
            results/harness.sarif
            results/runs/
"""


def init_ci(*, force: bool) -> None:
    """Write the workflow. Raises `HarnessError` where there is one already, unless `force`."""
    path = project_root() / PLACE
    if path.exists() and not force:
        raise HarnessError(f"{path} exists; `harness init-ci --force` writes over it.")
    write_atomically(path, WORKFLOW)
    print(f"wrote {path}")
    print("Next: commit it with `results/baselines/` (`harness run && harness baseline accept`).")
