"""Admits examples to training, keeps the rest with their reasons, and freezes training sets."""
