FROM node:20
# waste package-cache @/root/.cache/node-gyp A
# near: what node-gyp unpacked from
RUN mkdir -p /opt/h/node-v20/include/node && seq 1 30000 > /opt/h/node-v20/include/node/node.h && printf '#define NODE_MODULE_VERSION 115\n' > /opt/h/node-v20/include/node/node_version.h \
    && printf '{}' > /opt/h/node-v20/include/node/config.gypi && tar -C /opt/h -czf /opt/headers.tgz node-v20 && rm -rf /opt/h \
    && node /usr/local/lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js install --tarball=/opt/headers.tgz --ensure && rm /opt/headers.tgz
