FROM debian:bookworm-slim
# also log-temp
# waste package-cache @/var/lib/apt/lists A
# near: the package itself was wanted
RUN apt-get update && apt-get install -y --no-install-recommends netbase && rm -rf /var/log/* /var/cache/apt/*.bin
