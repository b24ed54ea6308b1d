# bad
FROM alpine:3.22 AS build
FROM debian:13 AS Build

# good
FROM alpine:3.22 AS build
FROM debian:13 AS test
