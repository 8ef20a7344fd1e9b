"""The golden set: reviewed examples that no model learns from.

Reads `validated_examples` and `snapshots`, writes `golden`. Runs without a JVM.
"""
