FROM debian:bookworm-slim
# waste package-cache 10001 A
# waste package-cache 10002 A
# waste package-cache 10003 A
# waste package-cache 10004 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /root/.cache/uv/wheels/a 10001; \
    mk /root/.cache/pypoetry/a 10002; \
    mk /root/.cache/pipenv/a 10003; \
    mk /opt/conda/pkgs/a/x 10004
