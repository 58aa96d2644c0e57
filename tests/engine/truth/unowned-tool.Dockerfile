FROM debian:bookworm-slim
# waste compiler 60011 B
# near: a name that only looks like it
RUN head -c 60011 /dev/zero > /usr/local/bin/cmake && head -c 900 /dev/zero > /usr/local/bin/makefoo && chmod 755 /usr/local/bin/cmake /usr/local/bin/makefoo
