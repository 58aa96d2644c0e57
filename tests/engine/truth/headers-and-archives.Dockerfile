FROM debian:bookworm-slim
# waste dev-files 25006 B
# near: what Python's sysconfig reads, and a library
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /usr/local/include/tool.h 5001; \
    mk /usr/local/lib/libtool.a 20002; \
    mk /usr/local/lib/pkgconfig/tool.pc 3; \
    mk /usr/local/include/python3.11/pyconfig.h 800; \
    mk /usr/local/lib/libtool.so.1 7000
