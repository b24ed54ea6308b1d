# bad
LABEL a=b
FROM alpine:3.22

# good
# a comment
ARG TAG=3.22
FROM alpine:${TAG}
