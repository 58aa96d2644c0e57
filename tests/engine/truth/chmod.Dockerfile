FROM debian:bookworm-slim
# waste[x] metadata-only-copy 120011 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /srv/files/a 120011
# hides[x]
RUN chmod 755 /srv/files/a
