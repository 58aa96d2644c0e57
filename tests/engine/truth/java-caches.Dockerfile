FROM debian:bookworm-slim
# waste package-cache 20001 B
# waste package-cache 20002 B
# near: jars on the class path
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /root/.m2/repository/a/a.jar 20001; \
    mk /root/.gradle/caches/a 20002; \
    mk /app/lib/a.jar 70000
CMD ["java", "-cp", "/app/lib/a.jar", "Main"]
