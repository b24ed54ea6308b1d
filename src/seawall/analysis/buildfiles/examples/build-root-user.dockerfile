# bad
FROM node:24-alpine
USER root

# bad
FROM alpine:3.22 AS base
USER 0:0
FROM base
CMD ["/app"]

# bad
ARG WHO=root
FROM alpine:3.22
ARG WHO
USER ${WHO}

# good
FROM node:24-alpine
USER root
RUN apk add --no-cache tini
USER 10001

# good
FROM alpine:3.22 AS build
USER root
FROM alpine:3.22
USER 10001:10001
