"""Rows of text that show a session's results: no Textual here, so that every row can be tested as plain text.

A row is a tuple of (text, role); the roles say what a part *is*, the faces decide how that looks.
"""
