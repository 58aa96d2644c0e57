FROM debian:bookworm-slim
# waste package-cache 10011 A
# waste package-cache 10012 A
# waste package-cache 10013 A
# waste package-cache 10014 A
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /usr/local/share/.cache/yarn/v6/a 10011; \
    mk /root/.local/share/pnpm/store/v3/a 10012; \
    mk /root/.bun/install/cache/a 10013; \
    mk /root/.cache/node-gyp/20/a 10014
