"""The zoo: one file a model, each with a `MODEL`. Importing one never imports TensorFlow.

Beside the models: `data` (the data sets, real and synthetic), `weights` (the committed parameters, read by
`committed_weights`) and `training` (what made them).
"""
