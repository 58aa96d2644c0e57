FROM debian:bookworm-slim
# waste compiler 90043 A
# near: its library is loaded by nothing, but was asked for by name
RUN set -e; mkdir -p /usr/lib/tool-12; head -c 90001 /dev/zero > /usr/lib/tool-12/tool-12; \
    printf '/.\n/usr\n/usr/lib\n/usr/lib/tool-12/tool-12\n' > /var/lib/dpkg/info/tool-12.list; \
    printf 'Package: tool-12\nStatus: install ok installed\nSection: devel\nArchitecture: amd64\nVersion: 1\n\n' >> /var/lib/dpkg/status
