"""What the verbs of `python -m ingest` do and print; one module a group of verbs."""
