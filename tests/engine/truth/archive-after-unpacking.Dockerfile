FROM debian:bookworm-slim
# waste unpacked-archive @/opt/tool.tar B
# near: an archive that nothing unpacks
RUN mkdir /opt/tool && head -c 60001 /dev/zero > /opt/tool/a && cd /opt && tar cf tool.tar tool && rm -rf tool && tar xf tool.tar 
RUN head -c 70001 /dev/zero > /opt/data.zip
