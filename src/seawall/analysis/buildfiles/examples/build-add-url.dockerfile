# bad
FROM alpine:3.22
ADD https://example.com/tool.tar.gz /opt/

# bad
FROM alpine:3.22
ADD http://example.com/tool.tar.gz /opt/

# bad
FROM alpine:3.22
ADD https://github.com/example/tool.git /src

# good
FROM alpine:3.22
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/tool.tar.gz /opt/

# good
FROM alpine:3.22
ADD https://github.com/example/tool.git#0123456789abcdef0123456789abcdef01234567 /src
