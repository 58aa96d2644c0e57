FROM debian:bookworm-slim
# near: what one RUN makes and deletes is in no layer
RUN head -c 500000 /dev/zero > /big && rm /big && echo 1 > /small
