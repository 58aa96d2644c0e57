FROM debian:bookworm-slim
# waste bytecode 4001 B
# near: a program without its source
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /app/a.py 10; \
    mk /app/__pycache__/a.cpython-311.pyc 4001; \
    mk /app/__pycache__/b.cpython-311.pyc 5000
