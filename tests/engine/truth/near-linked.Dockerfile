FROM debian:bookworm-slim
# near: names of one file are stored once
RUN mkdir /data && head -c 300011 /dev/zero > /data/one && ln /data/one /data/two && ln -s one /data/three
