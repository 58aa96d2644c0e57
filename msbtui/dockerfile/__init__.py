"""Text in, model out: instructions with exact spans, stages and edges, what a RUN does. Knows no image."""
