FROM debian:bookworm-slim
# waste build-objects 21003 B
# waste build-objects 5005 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /build/main.o 21003; \
    mk /build/CMakeCache.txt 5000; \
    mk /build/CMakeFiles/a.dir/link.txt 5
