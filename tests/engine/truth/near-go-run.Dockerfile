FROM debian:bookworm-slim
# near: the container compiles when it starts
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /go/pkg/mod/example.com/m@v1/m.go 30001; \
    mk /usr/local/go/bin/go 10001; \
    mk /usr/local/go/pkg/tool/linux_amd64/compile 20002
ENV PATH=/usr/local/go/bin:/usr/bin:/bin
CMD ["go", "run", "."]
