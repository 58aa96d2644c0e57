"""sparkboard: a page of sparklines, one for each gauge of a CSV file of readings."""
