FROM debian:bookworm-slim
# waste package-cache 60001 A
# waste package-cache 20002 A
# waste package-cache 30003 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /var/cache/dnf/fedora-1/repodata/primary.xml.gz 60001; \
    mk /var/cache/zypp/raw/a 20002; \
    mk /var/cache/pacman/pkg/a-1.pkg.tar.zst 30003
