"""The model card of a run, and the way from an adapter to its examples and back."""
