FROM debian:bookworm-slim
# waste[x] deleted-later 90001 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /data/old/a 90001
# hides[x]
RUN rm -rf /data/old && mkdir /data/old && head -c 5 /dev/zero > /data/old/new
