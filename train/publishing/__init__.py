"""What a trained window leaves behind: published at most once, then announced."""
