# bad
FROM debian:13
RUN apt-get update
RUN apt-get install -y curl

# bad
FROM alpine:3.22
RUN apk update

# good
FROM debian:13
RUN apt-get update && apt-get install -y curl

# good
FROM debian:13
RUN <<EOF
set -e
apt-get update
apt-get install -y curl
EOF
