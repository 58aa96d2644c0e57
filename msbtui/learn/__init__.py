"""The recorded images that the demo runs on."""
