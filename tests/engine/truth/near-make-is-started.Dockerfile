FROM debian:bookworm-slim
# near: the container starts make
# also log-temp docs
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
CMD ["make", "-C", "/srv"]
