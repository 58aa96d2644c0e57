FROM debian:bookworm-slim
# waste[x] deleted-later 300003 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /data/a/one 100001; \
    mk /data/a/b/two 200002
# hides[x]
RUN rm -rf /data/a
