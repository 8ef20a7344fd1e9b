"""Which base model to fine-tune: measured on our own texts, each candidate in a child process.

`python -m train bases compare`. Parents and pure judgement load no model library; only
`train.bases.child` and what it imports does.
"""
