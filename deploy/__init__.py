"""The last stage: answers customers, splits them between variants, and logs what came of it.

Reads evaluations, runs and adapters; writes the topic `feedback` and, in the state database, the
documents `variant`, `split` and `action` and the timeline.
"""
