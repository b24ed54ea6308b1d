# bad
FROM alpine:3.22 AS build
COPY --from=build /a /b

# good
FROM alpine:3.22 AS build
FROM alpine:3.22
COPY --from=build /a /b
