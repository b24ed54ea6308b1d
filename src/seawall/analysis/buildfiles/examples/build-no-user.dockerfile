# bad
FROM node:24-alpine
COPY server.js /app/
CMD ["node", "/app/server.js"]

# bad
FROM golang:1.26 AS build
USER 1000
FROM scratch
COPY --from=build /app /app

# good
FROM node:24-alpine
USER 1000

# good
FROM gcr.io/distroless/static:nonroot
COPY app /app

# good
FROM alpine:3.22 AS base
USER 1000
FROM base
CMD ["/app"]
