FROM debian:bookworm-slim
# waste secret 438 A
# near: a certificate and a public key
RUN set -e; mkdir -p /root/.ssh; { echo '-----BEGIN RSA PRIVATE KEY-----'; head -c 282 /dev/zero | base64 -w 64 | head -c 376; echo '-----END RSA PRIVATE KEY-----'; } | head -c 439 > /root/.ssh/id_rsa; echo 'ssh-rsa AAAA me' > /root/.ssh/id_rsa.pub; { echo '-----BEGIN CERTIFICATE-----'; head -c 282 /dev/zero | base64; } > /srv/cert.pem
