# bad
FROM alpine:3.22
EXPOSE 80000

# good
FROM alpine:3.22
EXPOSE 65535 8000-8010/udp ${PORT}
