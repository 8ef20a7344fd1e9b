"""What each turn does in its talk: a need, an answer, an apology, a complaint, a courtesy."""
