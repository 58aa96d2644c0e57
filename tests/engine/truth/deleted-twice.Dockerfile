FROM debian:bookworm-slim
# waste[x] deleted-later 70001 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /data/one 70001
# waste[y] deleted-later 80002 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /data/two 80002
# hides[x]
# hides[y]
RUN rm -rf /data
