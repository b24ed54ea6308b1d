# bad
FROM alpine:3.22
HEALTHCHECK CMD true
HEALTHCHECK CMD ["/check"]

# good
FROM alpine:3.22
HEALTHCHECK --interval=30s CMD ["/check"]
