"""Fine-tunes adapters when enough good new data has gathered, and judges them.

Reads `validated_examples` and `snapshots`; writes runs, evaluations and model versions.
"""
