FROM debian:bookworm-slim
# waste package-cache 30001 A
# waste package-cache 20004 A
# near: installed programs
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /go/pkg/mod/example.com/m@v1/m.go 30001; \
    mk /root/.cache/go-build/00/a-d 20001; \
    mk /root/.cache/go-build/trim.txt 3; \
    mk /go/bin/tool 60000
