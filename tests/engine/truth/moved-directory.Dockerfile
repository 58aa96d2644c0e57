FROM debian:bookworm-slim
# waste[x] moved 210003 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /build/out/a 70001; \
    mk /build/out/b 140002
# hides[x]
RUN mv /build/out /opt/out
