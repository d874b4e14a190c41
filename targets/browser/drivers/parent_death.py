"""How the processes of a browser with a driver of its own are found, and how they end with whoever started them."""

PROFILE_VARIABLE = "HARNESS_BROWSER_PROFILE"
"""Names the profile folder in the environment of every process of the browser: their command lines have no place for
it."""
DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
"""Starts a program that ends with whoever started it: a driver whose worker was killed would live on, and so would its
browser."""
