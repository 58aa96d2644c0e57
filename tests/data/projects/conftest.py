"""The projects are data: their own tests run inside their images, not here."""

collect_ignore = ["c", "go", "python"]
