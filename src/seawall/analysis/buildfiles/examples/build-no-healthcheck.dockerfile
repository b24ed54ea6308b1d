# bad
FROM alpine:3.22
CMD ["/app"]

# bad
FROM alpine:3.22
HEALTHCHECK NONE

# good
FROM alpine:3.22
HEALTHCHECK CMD ["/check"]
