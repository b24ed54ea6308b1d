# bad
FROM alpine:3.22
RUN wget https://example.com/a

# good
FROM alpine:3.22
RUN wget -q https://example.com/a && wget --progress=dot:giga https://example.com/b
