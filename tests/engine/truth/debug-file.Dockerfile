FROM debian:bookworm-slim
# waste debug-symbols @/usr/lib/debug A
# near: a text of that name
RUN mkdir -p /usr/lib/debug/.build-id/aa && cp /bin/dash /usr/lib/debug/.build-id/aa/bb.debug && head -c 900 /dev/zero > /srv/notes.debug
