"""Known failures of converters and runtimes, what each means and what to do about it."""
