"""The style sheets of the page, joined in the order that `harness.report.assets` names."""
