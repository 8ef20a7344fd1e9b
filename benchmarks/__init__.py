"""Measurements behind the published claims, one script a claim.

`python -m benchmarks.NAME [args] [--json FILE]` prints its claims; `python -m benchmarks` runs all
and renders docs/benchmarks.md. A claim is a number, the limit it must keep, and what it is
compared with, so that it means something on another machine.
"""
