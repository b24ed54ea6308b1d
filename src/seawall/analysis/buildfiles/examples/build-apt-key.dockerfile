# bad
FROM debian:12
RUN curl -fsSL https://example.com/tool.gpg | apt-key add -

# good
FROM debian:12
RUN curl -fsSL https://example.com/tool.gpg -o /etc/apt/keyrings/tool.asc
