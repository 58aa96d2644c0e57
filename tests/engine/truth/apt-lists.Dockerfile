FROM debian:bookworm-slim
# waste package-cache 250003 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /var/lib/apt/lists/deb.example.org_debian_dists_bookworm_main_binary-amd64_Packages 200001; \
    mk /var/lib/apt/lists/deb.example.org_debian_dists_bookworm_InRelease 50002; \
    mk /var/lib/apt/lists/lock 7; \
    mk /var/lib/apt/extended_states 9
