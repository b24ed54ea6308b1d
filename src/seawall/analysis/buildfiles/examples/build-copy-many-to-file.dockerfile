# bad
FROM alpine:3.22
COPY a.txt b.txt /data

# good
FROM alpine:3.22
COPY a.txt b.txt /data/
COPY c.txt /data
