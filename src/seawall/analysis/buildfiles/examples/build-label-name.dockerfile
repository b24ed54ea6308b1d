# bad
FROM alpine:3.22
LABEL Bad_Name=1

# good
FROM alpine:3.22
LABEL org.opencontainers.image.title=shop
