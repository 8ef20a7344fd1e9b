"""Stands for `train.bases.child`: what it does is written in its candidate's config."""

import json
import os
import signal
import sys
import time
from pathlib import Path

order = json.loads(Path(sys.argv[1]).read_text())
act = json.loads((Path(order["train"]["base_model"]) / "config.json").read_text())["act"]
test = order["rows"]["test"]
tokens = {"tokens_per_1000_characters": 250.0}
speed = {k: {"p50": 0.01, "p95": 0.02} for k in ("first_token_s", "token_s")}
print(json.dumps({"doing": "tokenizer"}))
print(json.dumps({"part": "facts", "value": tokens}), flush=True)
if act == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if act == "hang":
    time.sleep(600)
if act == "refuse":
    print(json.dumps({"problem": "no chat template"}))
    sys.exit(1)
if act == "exit":
    sys.exit(3)
print("a library's own line, not ours")
print(json.dumps({"part": "zero_shot", "value": [9.0] * len(test)}))
print(json.dumps({"part": "few_shot", "value": {"shots": 1, "nll": [8.0] * len(test)}}))
print(json.dumps({"part": "speed", "value": {**speed, "peak_bytes": 2**30}}))
for size in order["plan"]["sizes"]:
    nll = [4.0 + float(act) + 8 / size] * len(test)
    print(json.dumps({"part": "tuned", "value": {"examples": size, "step": 1, "nll": nll}}))
