FROM debian:bookworm-slim
# waste compiler 90001 B
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /usr/local/rustup/toolchains/1.80-x86_64/bin/rustc 60000; \
    mk /usr/local/rustup/toolchains/1.80-x86_64/lib/libstd.so 30001
