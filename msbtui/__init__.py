"""msbtui: where every byte of a container image came from, and the multi-stage Dockerfile that keeps only what runs."""

__version__ = "0.1.0"
