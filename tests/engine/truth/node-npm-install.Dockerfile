FROM node:20
WORKDIR /app
# near: ms, which the program and debug want
# waste dev-dependencies @/app/node_modules/debug A
# waste package-cache @/root/.npm/_cacache,@/root/.npm/_logs A
RUN printf '{"name":"app","version":"1.0.0","dependencies":{"ms":"2.1.3"},"devDependencies":{"debug":"4.3.7"}}' > package.json && npm install
CMD ["node", "-e", "console.log(require('ms')('1m'))"]
