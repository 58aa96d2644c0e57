FROM debian:bookworm-slim
# waste package-cache 40003 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /root/.npm/_cacache/content-v2/a 40001; \
    mk /root/.npm/_logs/a-debug-0.log 2; \
    mk /app/node_modules/a/index.js 9000; \
    mk /app/package.json 2
