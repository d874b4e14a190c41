"""Write the schema of today's classes: `python -m harness.store.schema`."""

from harness.store.schema import schema_path, text

if __name__ == "__main__":
    schema_path().write_text(text(), encoding="utf-8")
