"""`harness assess`: predicts which targets will run a model, before you choose one."""
