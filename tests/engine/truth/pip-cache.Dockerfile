FROM debian:bookworm-slim
# waste package-cache 50001 A
# near: models in the same folder are content
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /root/.cache/pip/http-v2/a/b/c 50001; \
    mk /root/.cache/huggingface/hub/model.bin 400000
