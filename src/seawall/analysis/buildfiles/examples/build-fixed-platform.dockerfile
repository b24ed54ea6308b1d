# bad
FROM --platform=linux/amd64 alpine:3.22

# good
FROM --platform=$BUILDPLATFORM golang:1.26

# good
FROM alpine:3.22
