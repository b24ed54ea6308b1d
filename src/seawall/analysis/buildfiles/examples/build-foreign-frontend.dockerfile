# bad
# syntax=example/frontend:1
FROM alpine:3.22

# bad
# syntax=docker/dockerfile
FROM alpine:3.22

# good
# syntax=docker/dockerfile:1
FROM alpine:3.22

# good
# syntax=docker/dockerfile:1.19-labs
FROM alpine:3.22
