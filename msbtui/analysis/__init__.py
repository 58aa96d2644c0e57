"""Joins Dockerfile and image: which line made which layer, where the base ends, and what is waste."""
