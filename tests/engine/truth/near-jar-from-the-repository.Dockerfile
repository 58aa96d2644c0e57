FROM debian:bookworm-slim
# near: the class path names it
# waste package-cache 400 B
RUN set -e; mk() { mkdir -p "$(dirname "$1")"; head -c "$2" /dev/zero > "$1"; }; \
    mk /root/.m2/repository/a/a.jar 20021; \
    mk /root/.m2/repository/b/b.pom 400
CMD ["java", "-cp", "/app:/root/.m2/repository/a/a.jar", "Main"]
