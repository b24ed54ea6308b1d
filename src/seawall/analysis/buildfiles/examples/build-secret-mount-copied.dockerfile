# bad
FROM alpine:3.22
RUN --mount=type=secret,id=key cp /run/secrets/key /app/key.pem

# bad
FROM alpine:3.22
RUN --mount=type=secret,id=netrc,target=/run/netrc cat /run/netrc > /root/.netrc

# good
FROM node:24
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci

# good
FROM alpine:3.22
RUN --mount=type=secret,id=key cat /run/secrets/key | login
