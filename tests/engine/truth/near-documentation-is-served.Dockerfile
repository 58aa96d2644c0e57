FROM debian:bookworm-slim
# near: the container serves it
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /usr/share/doc/tool/index.html 30001
CMD ["python3", "-m", "http.server", "-d", "/usr/share/doc/tool"]
