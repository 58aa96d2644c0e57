FROM debian:bookworm-slim
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /data/one 300001
# waste duplicate-content 300001 C
RUN cp /data/one /data/two
