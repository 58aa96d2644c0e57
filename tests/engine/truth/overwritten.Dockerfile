FROM debian:bookworm-slim
# waste[x] overwritten-later 150001 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /data/db 150001
# hides[x]
RUN head -c 150002 /dev/zero > /data/db
