"""Training sets that cannot change: frozen from `validated_examples`, proven, compared, exported.

Reads `validated_examples` and `golden`, writes `snapshots`. Runs without a JVM.
"""
