FROM debian:bookworm-slim
# near: conda's packages are hard links of what is installed: deleting them frees nothing
# zero package-cache
RUN mkdir -p /opt/conda/pkgs/a /opt/conda/lib && head -c 50007 /dev/zero > /opt/conda/pkgs/a/x.so && ln /opt/conda/pkgs/a/x.so /opt/conda/lib/x.so
