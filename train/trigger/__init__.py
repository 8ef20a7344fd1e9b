"""Whether a fine-tune should start now, and why; `train.watch` acts on it.

Counts come out of table versions and windows, never out of memory, so every process that looks
sees the same.
"""
