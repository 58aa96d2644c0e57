FROM debian:bookworm-slim
# near: what no rule names is content
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /data/cache/a.bin 900000; \
    mk /srv/downloads/x 50000; \
    mk /opt/models/weights.gz 70000; \
    mk /var/lib/app/db 4000; \
    mk /usr/local/share/tool/data.o.txt 30
