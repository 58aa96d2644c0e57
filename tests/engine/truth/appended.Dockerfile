FROM debian:bookworm-slim
# waste[x] overwritten-later 150000 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /data/db 150000
# hides[x]
RUN echo 1 >> /data/db
