"""One widget a file; no widget knows another."""
