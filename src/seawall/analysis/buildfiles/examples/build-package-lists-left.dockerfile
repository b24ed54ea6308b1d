# bad
FROM debian:13
RUN apt-get update && apt-get install -y curl

# good
FROM debian:13
RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*

# good
FROM debian:13
RUN --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y curl
