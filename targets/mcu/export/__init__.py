"""What a firmware team takes over from the harness: a Robot Framework suite for its own CI, and the model as C."""
