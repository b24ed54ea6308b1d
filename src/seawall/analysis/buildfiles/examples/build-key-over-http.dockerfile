# bad
FROM debian:13
RUN curl -fsSL http://example.com/tool.gpg | gpg --dearmor -o /etc/apt/keyrings/tool.gpg

# bad
FROM fedora:44
RUN rpm --import http://example.com/RPM-GPG-KEY

# good
FROM debian:13
RUN curl -fsSL https://example.com/tool.gpg | gpg --dearmor -o /etc/apt/keyrings/tool.gpg
