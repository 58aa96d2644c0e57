FROM debian:bookworm-slim
# near: pnpm's store is hard links of node_modules
# zero package-cache
RUN mkdir -p /root/.local/share/pnpm/store/v3 /app/node_modules/a && head -c 30007 /dev/zero > /app/node_modules/a/x.js && ln /app/node_modules/a/x.js /root/.local/share/pnpm/store/v3/x
