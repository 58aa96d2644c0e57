FROM debian:bookworm-slim
# also log-temp docs overwritten-later bytecode
# near: the start script compiles
RUN mkdir -p /usr/share/man/man1 && apt-get update && apt-get install -y --no-install-recommends openjdk-17-jdk-headless && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/* \
    && printf '#!/bin/sh\nset -e\njavac -d /tmp /srv/Main.java\nexec java -cp /tmp Main\n' > /srv/start.sh && chmod +x /srv/start.sh && echo 'class Main { public static void main(String[] a) { } }' > /srv/Main.java
ENTRYPOINT ["/srv/start.sh"]
