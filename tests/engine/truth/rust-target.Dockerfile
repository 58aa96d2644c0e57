FROM debian:bookworm-slim
# waste build-objects 41005 A
# near: the program
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /src/target/release/deps/a.rlib 40001; \
    mk /src/target/release/build/a/out 1001; \
    mk /src/target/.rustc_info.json 3; \
    mk /src/target/release/app 90000
