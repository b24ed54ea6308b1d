# bad
FROM debian:13
RUN apt-get install -y --allow-unauthenticated tool

# bad
FROM debian:13
RUN echo 'deb [trusted=yes] https://example.com/apt ./' > /etc/apt/sources.list.d/tool.list

# bad
FROM fedora:44
RUN dnf install -y --nogpgcheck tool

# bad
FROM alpine:3.22
RUN apk add --allow-untrusted tool.apk

# good
FROM debian:13
RUN echo 'deb [signed-by=/etc/apt/keyrings/tool.gpg] https://example.com/apt ./' > /etc/apt/sources.list.d/tool.list

# good
FROM fedora:44
RUN dnf install -y tool
