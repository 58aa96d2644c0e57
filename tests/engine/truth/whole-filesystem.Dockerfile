FROM debian:bookworm-slim AS build
RUN head -c 70000 /dev/zero > /srv/app
FROM debian:bookworm-slim
# waste whole-filesystem-copy base A
# near: what the stage made is the program
COPY --from=build / /
