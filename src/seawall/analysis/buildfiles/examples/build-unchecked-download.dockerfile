# bad
FROM alpine:3.22
RUN curl -fsSLO https://example.com/tool.tar.gz && tar -xzf tool.tar.gz

# good
FROM alpine:3.22
RUN curl -fsSLO https://example.com/tool.tar.gz && echo '0a1b  tool.tar.gz' | sha256sum -c && tar -xzf tool.tar.gz

# good
FROM alpine:3.22
RUN curl -fsSL https://example.com/page
