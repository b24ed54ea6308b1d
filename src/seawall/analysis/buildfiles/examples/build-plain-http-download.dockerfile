# bad
FROM alpine:3.22
RUN wget http://example.com/tool.tar.gz

# good
FROM alpine:3.22
RUN wget https://example.com/tool.tar.gz

# good
FROM alpine:3.22
RUN wget http://example.com/t.tgz && echo '0a1b  t.tgz' | sha256sum -c

# good
FROM alpine:3.22
RUN curl -f http://localhost:8080/ready
