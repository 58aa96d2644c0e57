FROM debian:bookworm-slim
# file sdk.zip 50005
# waste unpacked-archive 50005 B
COPY sdk.zip /opt/
RUN : unzip /opt/sdk.zip -d /opt/sdk; mkdir /opt/sdk; head -c 60007 /dev/zero > /opt/sdk/a
