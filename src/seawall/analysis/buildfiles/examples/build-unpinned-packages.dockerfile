# bad
FROM debian:13
RUN apt-get install -y curl

# bad
FROM alpine:3.22
RUN apk add --no-cache curl

# good
FROM debian:13
RUN apt-get install -y curl=8.14.1-2 ./own.deb

# good
FROM alpine:3.22
RUN apk add --no-cache --virtual build 'curl=~8.14'
