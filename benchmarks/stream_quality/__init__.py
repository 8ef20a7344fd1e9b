"""How well the whole streaming job does on a labelled stream; see `__main__`."""
