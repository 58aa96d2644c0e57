FROM debian:bookworm-slim
# near: what an interpreter runs
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /app/main.py 3000; \
    mk /app/setup.cfg 20; \
    mk /app/lib/a.rb 4000; \
    mk /app/index.php 500; \
    mk /app/dist/bundle.js 90000; \
    mk /app/LICENSE 1000
CMD ["python3", "/app/main.py"]
