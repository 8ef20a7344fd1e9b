"""Where a fine-tune starts: from the frozen base, or from the champion with a replay."""
