FROM debian:bookworm-slim
# waste docs 33003 B
# near: licences
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /usr/share/doc/tool/changelog.gz 30001; \
    mk /usr/share/man/man1/tool.1.gz 3002; \
    mk /usr/share/doc/tool/copyright 1500
