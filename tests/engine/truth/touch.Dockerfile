FROM debian:bookworm-slim
# waste[x] metadata-only-copy 120021 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /srv/files/a 120021
# hides[x]
RUN touch -d @1000000000 /srv/files/a
