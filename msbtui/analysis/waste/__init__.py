"""The kinds of waste, one file a kind or family."""
