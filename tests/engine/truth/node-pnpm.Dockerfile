FROM node:20
RUN npm install -g pnpm@9.12.0 --logs-max=0 && rm -rf /root/.npm
WORKDIR /app
# also duplicate-content
# waste package-cache @/root/.local/share/pnpm/store,@/root/.cache/pnpm,!/app/node_modules A
# near: files of the store that are hard-linked into node_modules cost nothing a second time
RUN printf '{"name":"app","version":"1.0.0","dependencies":{"ms":"2.1.3","debug":"4.3.7"}}' > package.json && pnpm install
CMD ["node", "-e", "console.log(require('ms')('1m'))"]
