FROM debian:bookworm-slim
# file app.bin 60001
# waste[x] metadata-only-copy 60001 A
COPY app.bin /srv/
# hides[x]
RUN chown 33:33 /srv/app.bin
