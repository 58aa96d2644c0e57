FROM debian:bookworm-slim
# waste secret 0 C
ENV API_TOKEN=0123456789abcdef
RUN echo 1 > /one
