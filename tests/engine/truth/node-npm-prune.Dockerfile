FROM node:20-slim
WORKDIR /app
# waste[x] deleted-later #/srv/debug A
# waste package-cache @/root/.npm/_cacache,@/root/.npm/_logs A
RUN printf '{"name":"app","version":"1.0.0","dependencies":{"ms":"2.1.3"},"devDependencies":{"debug":"4.3.7"}}' > package.json && npm install --logs-max=0 \
    && find node_modules/debug -type f -printf '%s\n' | awk '{s += $1} END {print s}' > /srv/debug
# near: pruning in a later line frees nothing
# hides[x]
# also overwritten-later metadata-only-copy package-cache
RUN npm prune --omit=dev --logs-max=0
CMD ["node", "-e", "console.log(require('ms')('1m'))"]
