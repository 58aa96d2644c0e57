FROM debian:bookworm-slim
# waste[x] deleted-later 200001 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /data/big 200001; \
    mk /data/stays 10
# hides[x]
RUN rm /data/big
