FROM debian:bookworm-slim
WORKDIR /app
# waste dev-dependencies 30011 A
# near: what the program loads
RUN mkdir -p /app/node_modules/jest/lib /app/node_modules/koa && head -c 30011 /dev/zero > /app/node_modules/jest/lib/a.js && head -c 5000 /dev/zero > /app/node_modules/koa/index.js && printf '{"lockfileVersion":3,"packages":{"node_modules/jest":{"version":"29.0.0","dev":true},"node_modules/koa":{"version":"2.0.0"}}}' > /app/node_modules/.package-lock.json
CMD ["node", "server.js"]
