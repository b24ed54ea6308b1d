# bad
FROM alpine:3.22
EXPOSE 8080 22

# bad
FROM alpine:3.22
EXPOSE 20-25/tcp

# good
FROM alpine:3.22
EXPOSE 8080 2222 443/tcp
