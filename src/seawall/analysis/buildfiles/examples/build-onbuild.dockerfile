# bad
FROM alpine:3.22
ONBUILD COPY . /app

# good
FROM alpine:3.22
COPY app /app
