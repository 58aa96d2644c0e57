FROM debian:bookworm-slim
# waste[x] secret 53 A
# waste[x] deleted-later 53 A
RUN echo '//registry.example.com/:_authToken=0123456789abcdef01' > /root/.npmrc
# hides[x]
RUN rm /root/.npmrc
