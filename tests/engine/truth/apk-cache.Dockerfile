FROM debian:bookworm-slim
# waste package-cache 60003 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /var/cache/apk/APKINDEX.066df28d.tar.gz 40001; \
    mk /etc/apk/cache/zlib-1.3.apk 20002; \
    mk /etc/apk/world 8
