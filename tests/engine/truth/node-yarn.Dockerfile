FROM node:20
WORKDIR /app
# waste package-cache @/usr/local/share/.cache/yarn A
# waste dev-dependencies @/app/node_modules/debug B
# near: ms
# waste log-temp @/tmp A
# near: what the program loads
RUN printf '{"name":"app","version":"1.0.0","dependencies":{"ms":"2.1.3"},"devDependencies":{"debug":"4.3.7"}}' > package.json && yarn install
CMD ["node", "-e", "console.log(require('ms')('1m'))"]
