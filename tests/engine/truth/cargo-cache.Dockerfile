FROM debian:bookworm-slim
# waste package-cache 50003 A
# near: installed programs
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /usr/local/cargo/registry/cache/a.crate 50001; \
    mk /usr/local/cargo/git/db/x 2; \
    mk /usr/local/cargo/bin/tool 70001
