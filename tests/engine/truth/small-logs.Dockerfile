FROM debian:bookworm-slim
# waste log-temp 5003 B
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /var/log/dpkg.log 5000; \
    mk /var/cache/debconf/config.dat-old 3
