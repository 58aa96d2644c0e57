FROM debian:bookworm-slim
# waste compiler dpkg:make A
# near: make is a build tool by its section
# also log-temp docs overwritten-later
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
