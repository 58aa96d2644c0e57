FROM debian:bookworm-slim
# near: what the entrypoint's script calls, though no package owns it
RUN head -c 60000 /dev/zero > /usr/local/bin/cmake && chmod 755 /usr/local/bin/cmake && printf '#!/bin/sh\nexec cmake "$@"\n' > /start.sh && chmod 755 /start.sh
ENTRYPOINT ["/start.sh"]
