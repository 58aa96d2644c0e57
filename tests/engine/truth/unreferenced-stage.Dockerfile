FROM debian:bookworm-slim AS build
RUN echo 1 > /a
# waste unreferenced-stage 0 A
FROM debian:bookworm-slim AS lint
RUN echo 2 > /b
FROM debian:bookworm-slim
COPY --from=build /a /a
RUN echo 1 > /one
