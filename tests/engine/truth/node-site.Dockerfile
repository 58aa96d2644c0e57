FROM node:20-slim
RUN mkdir -p /opt/serve && cd /opt/serve && printf '{"name":"serve","version":"1.0.0","bin":{"serve":"serve.js"}}' > package.json && printf '#!/usr/bin/env node\n' > serve.js && npm install -g --logs-max=0 "./$(npm pack --silent)" && rm -rf /opt/serve /root/.npm/_cacache
WORKDIR /site
# near: the site that is shown
# waste dev-dependencies @/site/node_modules B
RUN printf '{"name":"site","version":"1.0.0","dependencies":{"ms":"2.1.3"}}' > package.json && npm install --logs-max=0 && rm -rf /root/.npm/_cacache && mkdir build && seq 1 30000 > build/index.html
CMD ["serve", "-s", "build"]
