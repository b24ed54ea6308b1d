# bad
FROM alpine:3.22
COPY --from=ghcr.io/example/tool /tool /

# bad
FROM alpine:3.22
COPY --from=example/tool:latest /tool /

# good
FROM alpine:3.22
COPY --from=ghcr.io/example/tool:1.2 /tool /
