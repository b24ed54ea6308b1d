# bad
FROM alpine:3.22 AS build
FROM alpine:3.22
COPY --from=biuld /a /b

# bad
FROM alpine:3.22
COPY --from=later /a /b
FROM alpine:3.22 AS later

# good
FROM alpine:3.22 AS build
FROM alpine:3.22
COPY --from=build /a /b
COPY --from=0 /c /d
COPY --from=ghcr.io/example/tool:1.2 /tool /
