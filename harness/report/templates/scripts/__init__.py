"""The scripts of the page, joined in the order that `harness.report.assets` names."""
