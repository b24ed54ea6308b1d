# bad
FROM alpine:3.22
RUN apk add --no-cache \
  curl
  wget

# bad
FROM alpine:3.22
USERR 1000

# good
FROM alpine:3.22
from alpine:3.22
run true
