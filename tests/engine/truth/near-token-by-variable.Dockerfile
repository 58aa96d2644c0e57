FROM debian:bookworm-slim
# near: the value comes when npm runs
RUN echo '//registry.example.com/:_authToken=${NPM_TOKEN}' > /root/.npmrc
