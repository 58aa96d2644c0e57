FROM debian:bookworm-slim
# waste[x] metadata-only-copy 120001 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /srv/files/a 120001
# hides[x]
RUN chown -R 33:33 /srv/files
