# bad
FROM debian:13
RUN apt-get update && apt-get install -y openssh-server

# bad
FROM alpine:3.22
RUN apk add --no-cache dropbear

# good
FROM debian:13
RUN apt-get update && apt-get install -y openssh-client
