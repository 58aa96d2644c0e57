"""The stage graph as a diagram of boxes: what it shows, and one layered layout for the app and for every export."""
