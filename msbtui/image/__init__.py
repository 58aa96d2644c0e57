"""Bytes in, model out: layer index, merged file system, package databases, ELF. Knows no Dockerfile and no engine."""
