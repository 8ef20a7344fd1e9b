"""Labelled streams in other dressing: public dialogs, phrases that no rule was written for."""
