FROM debian:bookworm-slim
# near: a project that runs out of its cache
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /app/.yarn/cache/a.zip 30001; \
    mk /app/.pnp.cjs 200
