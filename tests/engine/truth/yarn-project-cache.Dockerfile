FROM debian:bookworm-slim
# waste package-cache 30011 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /app/.yarn/cache/a.zip 30011; \
    mk /app/node_modules/a/index.js 20
