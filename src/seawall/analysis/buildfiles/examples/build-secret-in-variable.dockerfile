# bad
FROM alpine:3.22
ENV DB_PASSWORD=Sommer-2026-Berlin

# bad
FROM alpine:3.22
ARG API_KEY=d41d8cd98f00b204e980

# bad
FROM alpine:3.22
ENV LOG=debug \
    GITHUB_TOKEN="kD83jf0aLq21"

# good
FROM alpine:3.22
ENV DB_PASSWORD_FILE=/run/secrets/db
ENV TOKEN_TTL=3600
ENV DB_PASSWORD=

# good
FROM alpine:3.22
RUN --mount=type=secret,id=token cat /run/secrets/token | login
