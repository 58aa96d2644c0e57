FROM debian:bookworm-slim
# waste tests 20002 B
# near: the program's own tests
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /usr/local/lib/python3.11/site-packages/numpy/tests/__init__.py 2; \
    mk /usr/local/lib/python3.11/site-packages/numpy/tests/test_a.py 20000; \
    mk /usr/local/lib/python3.11/site-packages/numpy/core.py 3000; \
    mk /app/tests/test_a.py 400
