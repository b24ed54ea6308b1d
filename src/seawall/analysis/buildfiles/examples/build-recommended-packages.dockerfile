# bad
FROM debian:13
RUN apt-get update && apt-get install -y curl

# good
FROM debian:13
RUN apt-get update && apt-get install -y --no-install-recommends curl
