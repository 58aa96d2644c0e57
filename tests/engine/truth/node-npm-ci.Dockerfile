FROM node:20-slim
WORKDIR /app
# near: npm ci without what developing needs, the cache emptied; npm's own logs stay
# waste package-cache @/root/.npm/_logs A
RUN printf '{"name":"app","version":"1.0.0","dependencies":{"ms":"2.1.3"},"devDependencies":{"debug":"4.3.7"}}' > package.json \
    && npm install --package-lock-only && npm ci --omit=dev && npm cache clean --force && rm -rf ~/.npm/_cacache
CMD ["node", "-e", "console.log(require('ms')('1m'))"]
