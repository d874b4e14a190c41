"""The zoo: one file a model. Importing a model never imports TensorFlow."""
