"""Preferences of people, learnt on top of the fine-tuned adapter: DPO, or KTO.

Reads the preferences and negatives of a frozen snapshot; writes a model checkpoint.
"""
