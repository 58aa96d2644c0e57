FROM debian:bookworm-slim
# waste log-temp 1500006 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /tmp/scratch/a 1200001; \
    mk /var/log/apt/history.log 300002; \
    mk /var/lib/dpkg/status-old 3
