# bad
FROM alpine:3.22
MAINTAINER me@example.com

# good
FROM alpine:3.22
LABEL org.opencontainers.image.authors=me@example.com
