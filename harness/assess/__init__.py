"""`harness assess`: what each target will say to a model, told before it is converted for one."""
