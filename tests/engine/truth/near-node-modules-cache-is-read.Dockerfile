FROM node:20-slim
WORKDIR /app
# near: the program that starts reads the cache in node_modules
RUN mkdir -p node_modules/.cache/templates && seq 1 40000 > node_modules/.cache/templates/all.json && printf '#!/bin/sh\nexec node server.js /app/node_modules/.cache/templates/all.json\n' > start.sh && chmod +x start.sh && echo 'console.log(process.argv)' > server.js
ENTRYPOINT ["/app/start.sh"]
