"""The command line: one file a command; imports the app only where the app runs."""
