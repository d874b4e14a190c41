"""`init-ci`: a workflow for GitHub Actions, ready to commit."""

from __future__ import annotations

from pathlib import Path

from harness.errors import HarnessError
from harness.exchange.markdown import MARK
from harness.paths import place_in_repository, project_root
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
  HARNESS_CACHE: ${{ github.workspace }}/.harness-cache
  HARNESS_ENVIRONMENTS: ${{ github.workspace }}/.harness-environments
  # A fork's pull request gets a token that can only read: it has the step summary instead.
  MAY_WRITE: ${{ github.event_name == 'push' || github.event.pull_request.head.repo.full_name == github.repository }}

jobs:
  gate:
    runs-on: ubuntu-latest
    timeout-minutes: 60
    steps:
      # With its history: what a baseline accepted is converted again from the commit that it was accepted at, wherever
      # a changed model is to be timed beside the one before.
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
          lfs: true

      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"

      - name: Install
        id: install
        run: |
          python -m pip install ml-runtime-harness
          echo "version=$(python -c 'import harness; print(harness.__version__)')" >> "$GITHUB_OUTPUT"
          harness doctor

      - name: Environments of the converters and runtimes
        uses: actions/cache@v4
        with:
          path: .harness-environments
          key: harness-environments-${{ runner.os }}-${{ steps.install.outputs.version }}

      - name: Artifacts and measurements
        uses: actions/cache@v4
        with:
          path: .harness-cache
          key: harness-${{ runner.os }}-${{ github.sha }}
          restore-keys: harness-${{ runner.os }}-

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

      # One comment a pull request, which its own first line tells from others of the same author.
      - name: Comment on the pull request
        if: always() && github.event_name == 'pull_request' && env.MAY_WRITE == 'true'
        env:
          GH_TOKEN: ${{ github.token }}
          NUMBER: ${{ github.event.pull_request.number }}
        run: |
          [ -f results/summary.md ] || exit 0
          comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"
          known=$(gh api --paginate "$comments" --jq '.[] | select(.body | startswith("@MARK@")) | .id' | tail -n 1)
          if [ -n "$known" ]; then
            gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$known" -F body=@results/summary.md
          else
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
""".replace("@MARK@", MARK)


def write_workflow(*, force: bool) -> None:
    """Write the workflow. Raises `HarnessError` where there is one already, unless `force`."""
    root = project_root()
    path = root / PLACE
    if path.exists() and not force:
        raise HarnessError(f"{path} exists; `harness init-ci --force` writes over it.")
    write_atomically(path, WORKFLOW)
    print(f"wrote {path}")
    print("Next: commit it with `results/baselines/` (`harness run && harness baseline accept`).")
    if prefix := place_in_repository(root):
        print(
            f"! The project is {prefix} of its repository, and GitHub reads workflows at the top alone: move the file "
            f"there and give its job `defaults: run: working-directory: {prefix}` and its paths that prefix."
        )
