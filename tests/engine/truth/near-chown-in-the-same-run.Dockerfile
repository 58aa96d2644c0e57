FROM debian:bookworm-slim
# near: no second copy
RUN head -c 120031 /dev/zero > /srv/a && chown 33:33 /srv/a && chmod 700 /srv/a
