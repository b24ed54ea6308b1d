# bad
FROM alpine:3.22
RUN curl -fsSLk https://example.com/a -o /a

# bad
FROM alpine:3.22
RUN wget --no-check-certificate https://example.com/a

# good
FROM alpine:3.22
RUN curl -fsSL -okernel https://example.com/kernel

# good
FROM alpine:3.22
RUN curl -k https://localhost:8443/ready
