FROM debian:bookworm-slim
# waste[x] deleted-later 70007 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /data/thing/a 70007
# hides[x]
RUN rm -rf /data/thing && echo 1 > /data/thing
