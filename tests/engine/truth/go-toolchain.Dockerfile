FROM debian:bookworm-slim
# waste compiler 60006 B
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /usr/local/go/bin/go 10001; \
    mk /usr/local/go/pkg/tool/linux_amd64/compile 20002; \
    mk /usr/local/go/src/fmt/print.go 30003
