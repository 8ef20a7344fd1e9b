"""Texts without fillers, trackers and tokens meant for models; what went can be put back."""
