"""Plans, writes and verifies the multi-stage Dockerfile."""
