# bad
FROM alpine:3.22
RUN apk add curl

# bad
FROM fedora:44
RUN dnf -y install curl

# good
FROM alpine:3.22
RUN apk add --no-cache curl

# good
FROM fedora:44
RUN dnf -y install curl && dnf clean all
