# bad
FROM alpine:3.22
RUN wget -q https://example.com/a
RUN curl -fsSLO https://example.com/b

# good
FROM alpine:3.22
RUN curl -fsSLO https://example.com/a && curl -fsSLO https://example.com/b
