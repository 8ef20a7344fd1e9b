"""How good answers are, of base, champion and challenger alike, and the verdict that follows."""
