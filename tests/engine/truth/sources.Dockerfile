FROM debian:bookworm-slim
# waste sources 3034 B
# waste build-objects 700 B
# near: data beside the sources
RUN set -e; mkdir -p /src/data && cp /bin/true /usr/local/bin/app && head -c 3000 /dev/zero > /src/main.c && printf 'all:\n\tcc main.c -o /usr/bin/appl\n\n' > /src/Makefile && head -c 700 /dev/zero > /src/main.o && head -c 9000 /dev/zero > /src/data/table.csv
CMD ["/usr/local/bin/app"]
