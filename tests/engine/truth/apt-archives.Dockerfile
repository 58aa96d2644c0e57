FROM debian:bookworm-slim
# waste package-cache 110003 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /var/cache/apt/archives/tool_1.0_amd64.deb 80001; \
    mk /var/cache/apt/pkgcache.bin 30002; \
    mk /var/cache/apt/archives/lock 3
