"""The recorded images that the demo runs on."""

PROJECTS = ("c", "python", "go")
"""Each is recorded twice: `NAME-before.msbtui` from its single-stage Dockerfile, `NAME-after.msbtui` after the split."""
