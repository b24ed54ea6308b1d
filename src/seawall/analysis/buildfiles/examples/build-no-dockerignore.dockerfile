# bad
FROM alpine:3.22
COPY . /app

# good
FROM alpine:3.22
COPY src /app
