FROM debian:bookworm-slim
# waste package-cache 40044 A
# near: another signature
RUN mkdir -p /var/cache/x /var/cache/y && printf 'Signature: 8a477f597d28d172789f06886806bc55\n' > /var/cache/x/CACHEDIR.TAG && head -c 40000 /dev/zero > /var/cache/x/a && echo no > /var/cache/y/CACHEDIR.TAG && head -c 40000 /dev/zero > /var/cache/y/b
