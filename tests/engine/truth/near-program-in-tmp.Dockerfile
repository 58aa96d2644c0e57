FROM debian:bookworm-slim
# near: what starts there
RUN mkdir /tmp/app && cp /bin/true /tmp/app/run && head -c 90000 /dev/zero > /tmp/app/data
CMD ["/tmp/app/run"]
