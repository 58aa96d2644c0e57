FROM debian:bookworm-slim
# waste package-cache 15001 A
# waste package-cache 15002 B
# waste package-cache 15003 B
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /root/.composer/cache/files/a.zip 15001; \
    mk /root/.nuget/packages/a/a.nupkg 15002; \
    mk /root/.hex/packages/hexpm/a.tar 15003
