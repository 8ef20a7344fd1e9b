"""Fine-tunes adapters when enough good new data has gathered, and judges them.

Start with `watch.py` and `trigger/` (when), then `runs/` (one run, on the Ray of `workers/`), which
takes `data/` through `finetune/`, `judging/` and `publishing/`.

Reads `validated_examples` and `snapshots`; writes runs, evaluations and model versions.
"""
