FROM debian:bookworm-slim
# waste[x] moved 130001 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /build/tool 130001
# hides[x]
RUN mkdir /opt/t && mv /build/tool /opt/t/tool
