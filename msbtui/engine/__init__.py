"""Where images and builds come from: engines, archives, recordings, BuildKit. The only room that imports docker."""
