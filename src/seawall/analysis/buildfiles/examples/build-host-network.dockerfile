# bad
FROM alpine:3.22
RUN --network=host apk add --no-cache curl

# good
FROM alpine:3.22
RUN --network=none make test
