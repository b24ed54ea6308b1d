# bad
FROM alpine:3.22
RUN curl -fsSL https://example.com/install.sh | sh

# bad
FROM debian:13
RUN bash -c "$(wget -qO- https://example.com/install.sh)"

# bad
FROM debian:13
SHELL ["/bin/bash", "-c"]
RUN bash <(curl -s https://example.com/install.sh)

# bad
FROM python:3.14
RUN curl -sSL https://example.com/get.py | python3 -

# bad
FROM debian:13
RUN set -ex; \
    # the tool
    wget -qO - http://example.com/install.sh \
      | sudo -E bash -

# bad
FROM debian:13
RUN curl -fsSLo /tmp/install.sh https://example.com/install.sh && sh /tmp/install.sh --quiet

# bad
FROM debian:13
RUN wget https://example.com/tool.run && chmod +x tool.run && ./tool.run

# good
FROM debian:13
RUN curl -fsSL https://example.com/data.csv -o data.csv && python3 load.py data.csv

# good
FROM alpine:3.22
RUN curl -fsSL https://example.com/install.sh -o install.sh \
    && echo '0a1b  install.sh' | sha256sum -c - && sh install.sh

# good
FROM alpine:3.22
RUN curl -fsSL https://example.com/data.json | python3 -c 'import json, sys; json.load(sys.stdin)'

# good
FROM alpine:3.22
RUN curl -fsSL https://example.com/tool.tar.gz | tar -xz
