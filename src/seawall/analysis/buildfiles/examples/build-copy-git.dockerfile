# bad
FROM alpine:3.22
COPY .git /src/.git

# good
FROM alpine:3.22
COPY .gitattributes /src/

# good
FROM alpine:3.22 AS build
COPY .git /src/.git
FROM alpine:3.22
COPY --from=build /app /app
