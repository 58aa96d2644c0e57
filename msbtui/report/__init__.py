"""Every face that is not the app: text, JSON, graph exports."""
