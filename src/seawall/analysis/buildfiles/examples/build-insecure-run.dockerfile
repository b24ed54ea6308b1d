# bad
# syntax=docker/dockerfile:1-labs
FROM alpine:3.22
RUN --security=insecure cat /proc/self/status

# good
FROM alpine:3.22
RUN --security=sandbox cat /proc/self/status
