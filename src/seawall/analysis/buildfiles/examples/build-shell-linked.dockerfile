# bad
FROM debian:13
RUN ln -sf /bin/bash /bin/sh

# good
FROM debian:13
SHELL ["/bin/bash", "-c"]
