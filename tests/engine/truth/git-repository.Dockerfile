FROM debian:bookworm-slim
# waste vcs 30025 A
# near: a folder of that name that is none
RUN mkdir -p /src/.git/objects /data/.git && printf 'ref: refs/heads/main\n\n\n\n' > /src/.git/HEAD && head -c 30001 /dev/zero > /src/.git/objects/pack && head -c 9000 /dev/zero > /data/.git/other && head -c 100 /dev/zero > /src/README
