"""What the harness brings to a machine by itself, shared by all projects of a user."""
