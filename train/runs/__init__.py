"""One run, from its training set to a verdict; and what people ask about runs and stop."""
