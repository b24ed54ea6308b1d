# bad
FROM alpine:3.22
RUN wget -qO- https://example.com/a | wc -l > /count

# good
FROM debian:13
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN wget -qO- https://example.com/a | wc -l > /count

# good
FROM debian:13
RUN set -o pipefail && wget -qO- https://example.com/a | wc -l > /count
