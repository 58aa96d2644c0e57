FROM debian:bookworm-slim
# waste[x] secret 54 A
# waste[x] deleted-later 54 A
RUN echo '//registry.example.com/:_authToken=0123456789abcdef01' > /root/.npmrc
# hides[x]
RUN rm /root/.npmrc
